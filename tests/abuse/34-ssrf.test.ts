import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { addressKind } from '../../gateway/net/addresses'
import { readBody } from '../../gateway/net/body'
import { testFetch, rejection } from '../support/remote-leg'

// The canary: a listener on every loopback address of both families, which must never hear of anybody.
let canary: Server
let canary6: Server
let port = 0
let hits = 0
beforeAll(async () => {
  const hit = (socket: Socket) => {
    hits++
    socket.destroy()
  }
  canary = createServer(hit)
  await new Promise<void>((resolve) => canary.listen(0, '0.0.0.0', resolve))
  const address = canary.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  port = address.port
  canary6 = createServer(hit)
  // Where the machine has no IPv6, or somebody else has the port there, one family must do.
  await new Promise<void>((resolve) =>
    canary6.on('error', () => resolve()).listen({ port, host: '::1', ipv6Only: true }, resolve),
  )
})
afterAll(() => {
  canary.close()
  canary6.close()
})

test('[threat.34] the canary can sing', async () => {
  const before = hits
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    const socket = connect(port, host)
    await new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
  }
  expect(hits).toBe(before + 2)
})

/** Names an attacker's DNS answers with addresses of its choice. */
const names: Record<string, string[]> = {
  'loop.evil.example': ['127.0.0.1'],
  'loop2.evil.example': ['127.0.0.2'],
  'mixed.evil.example': ['8.8.8.8', '127.0.0.1'],
  'meta.evil.example': ['169.254.169.254'],
  'lan.evil.example': ['192.168.1.1'],
  'ten.evil.example': ['10.0.0.1'],
  'seventeen.evil.example': ['172.16.0.1'],
  'cgnat.evil.example': ['100.64.0.1'],
  'six.evil.example': ['::1'],
  'mapped.evil.example': ['::ffff:127.0.0.1'],
  'ula.evil.example': ['fd00::1'],
  'll6.evil.example': ['fe80::1'],
  'zero.evil.example': ['0.0.0.0'],
  'nat64.evil.example': ['64:ff9b::7f00:1'],
  'sixtofour.evil.example': ['2002:7f00:1::'],
  'site.evil.example': ['fec0::1'],
  localhost: ['127.0.0.1', '::1'],
}
const resolve = (host: string) => {
  const found = names[host.toLowerCase()]
  return found ? Promise.resolve(found) : Promise.reject(new Error('ENOTFOUND'))
}

const corpus = [
  'https://127.0.0.1:P/',
  'https://127.0.0.2:P/',
  'https://127.1:P/',
  'https://127.0.1:P/',
  'https://0x7f000001:P/',
  'https://0x7f.0.0.1:P/',
  'https://0177.0.0.1:P/',
  'https://2130706433:P/',
  'https://017700000001:P/',
  'https://0:P/',
  'https://0.0.0.0:P/',
  'https://[::]:P/',
  'https://[::1]:P/',
  'https://[0:0:0:0:0:0:0:1]:P/',
  'https://[::ffff:127.0.0.1]:P/',
  'https://[::ffff:7f00:1]:P/',
  'https://[::127.0.0.1]:P/',
  'https://[64:ff9b::7f00:1]:P/',
  'https://[2002:7f00:1::]:P/',
  'https://[fe80::1]:P/',
  'https://[fd00::1]:P/',
  'https://[fec0::1]:P/',
  'https://[ff02::1]:P/',
  'https://localhost:P/',
  'https://LOCALHOST:P/',
  'https://localhost.:P/',
  'https://10.0.0.1:P/',
  'https://172.16.0.1:P/',
  'https://192.168.1.1:P/',
  'https://169.254.169.254/latest/meta-data/',
  'https://100.64.0.1:P/',
  'https://224.0.0.1:P/',
  'https://255.255.255.255:P/',
  'https://240.0.0.1:P/',
  'https://198.18.0.1:P/',
  'https://192.0.2.1:P/',
  'https://１２７.０.０.１:P/',
  'https://127。0。0。1:P/',
  'https://%31%32%37.0.0.1:P/',
  'http://127.0.0.1:P/',
  'http://localhost:P/',
  'http://foo.localhost:P/',
  'http://8.8.8.8:P/',
  'http://example.com/',
  'file:///etc/passwd',
  'data:text/plain,hello',
  'blob:https://example.com/1234',
  's3://bucket/key',
  'ftp://127.0.0.1:P/',
  'ws://127.0.0.1:P/',
  'javascript:alert(1)',
  'https://user:pass@8.8.8.8:P/',
  ...Object.keys(names)
    .filter((name) => name !== 'localhost')
    .map((name) => `https://${name}:P/`),
]

describe('addresses that a server or a document names', () => {
  test('[threat.34] the corpus has fifty addresses or more', () => {
    expect(new Set(corpus).size).toBeGreaterThanOrEqual(50)
  })
  for (const entry of corpus) {
    test(`[threat.34] ${entry} is not fetched`, async () => {
      const safeFetch = testFetch({ resolve })
      const before = hits
      const url = new URL(entry.replace(':P', `:${port}`))
      const error = await rejection(
        safeFetch(url, {
          trust: { kind: 'found', typedUrl: 'https://mcp.example/mcp' },
          connectTimeout: 1000,
        }),
      )
      expect(error.code).toBe('net.blocked')
      expect(hits).toBe(before)
    })
  }
})

test('[threat.34] a resolver that changes its answer never leads to the canary', async () => {
  const answers = [['192.0.2.1'], ['127.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['127.0.0.1']]
  let asked = 0
  const safeFetch = testFetch({ resolve: () => Promise.resolve(answers[asked++ % answers.length] ?? []) })
  const before = hits
  for (let i = 0; i < 8; i++) {
    const error = await rejection(
      safeFetch(new URL(`https://flip.evil.example:${port}/`), {
        trust: { kind: 'found', typedUrl: null },
        connectTimeout: 200,
      }),
    )
    expect(error.code).toBe('net.blocked')
  }
  expect(asked).toBe(8)
  expect(hits).toBe(before)
})

test('[threat.34] what a user typed may be private, but never unencrypted beyond this machine', async () => {
  const safeFetch = testFetch({ resolve })
  for (const entry of [
    'http://192.168.1.1/mcp',
    'http://example.com/mcp',
    'http://[fd00::1]/mcp',
    'http://10.0.0.1/',
  ]) {
    const error = await rejection(
      safeFetch(new URL(entry), { trust: { kind: 'typed' }, connectTimeout: 200 }),
    )
    expect(error.code).toBe('net.blocked')
    expect(error.message).toContain('https')
  }
  for (const entry of [
    'file:///etc/passwd',
    'data:,x',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://u:p@127.0.0.1/',
  ]) {
    const error = await rejection(
      safeFetch(new URL(entry), { trust: { kind: 'typed' }, connectTimeout: 200 }),
    )
    expect(error.code).toBe('net.blocked')
  }
})

test('[threat.34] a name below localhost that resolves elsewhere is refused over http', async () => {
  const safeFetch = testFetch({ resolve: () => Promise.resolve(['8.8.8.8']) })
  const error = await rejection(safeFetch(new URL('http://app.localhost/'), { trust: { kind: 'typed' } }))
  expect(error.code).toBe('net.blocked')
})

test('[threat.34] a found address is reached when it is the very host the user typed, on this machine', async () => {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('metadata') })
  try {
    const safeFetch = testFetch()
    const response = await safeFetch(new URL('/.well-known/x', server.url), {
      trust: { kind: 'found', typedUrl: `${server.url}mcp` },
    })
    expect(new TextDecoder().decode(await readBody(response, 100))).toBe('metadata')
  } finally {
    await server.stop(true)
  }
})

test('[threat.34] an error never repeats what the other side said', async () => {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('x'.repeat(5000)) })
  try {
    const response = await testFetch()(server.url, { trust: { kind: 'typed' } })
    const error = await rejection(readBody(response, 1000))
    expect(error.code).toBe('net.too_large')
    expect(error.message).not.toContain('xxx')
  } finally {
    await server.stop(true)
  }
})

test('[threat.34] IPv4 inside IPv6 is what it is as IPv4', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(addressKind(`::ffff:${address}`)).toBe(addressKind(address))
    }),
  )
  expect(addressKind('not an address')).toBe('reserved')
  expect(addressKind('fe80::1%eth0')).toBe('link-local')
})

test('[threat.34] nothing in the gateway fetches around safeFetch', async () => {
  const around: string[] = []
  for await (const file of new Bun.Glob('gateway/**/*.ts').scan('.')) {
    if (file === 'gateway/runtime.ts' || file === 'gateway/net/safe-fetch.ts') continue
    const code = readFileSync(file, 'utf8')
    const bindsItsOwn = /\bconst fetch\b|[({,]\s*fetch\s*[:,})]/.test(code)
    const direct = /runtime\.fetch\(|globalThis\.fetch|Bun\.fetch/.test(code)
    if (direct || (!bindsItsOwn && /(await|return|=>|\() *fetch\(/.test(code))) around.push(file)
  }
  expect(around).toEqual([])
})
