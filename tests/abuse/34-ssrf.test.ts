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
  'zone.evil.example': ['fe80::1%lo'],
  'teredo.evil.example': ['2001:0:7f00:1::1'],
  'nat64own.evil.example': ['64:ff9b:1::7f00:1'],
  'nat64lan.evil.example': ['64:ff9b::192.168.1.1'],
  'compatible.evil.example': ['::127.0.0.1'],
  'translated.evil.example': ['::ffff:0:127.0.0.1'],
  'documented.evil.example': ['2001:db8::1'],
  'multi.evil.example': ['239.255.255.250'],
  'multi6.evil.example': ['ff02::1'],
  'container.evil.example': ['169.254.170.2'],
  'meta6.evil.example': ['fd00:ec2::254'],
  'metacgnat.evil.example': ['100.100.100.200'],
  'broadcast.evil.example': ['255.255.255.255'],
  'last.evil.example': ['8.8.8.8', '2606:4700::1111', '::1'],
  'junk.evil.example': ['not an address'],
  'empty.evil.example': [''],
  localhost: ['127.0.0.1', '::1'],
  'foo.localhost': ['127.0.0.1'],
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
  'https://0300.0250.1.1:P/',
  'https://3232235777:P/',
  'https://0xC0A80101:P/',
  'https://127.65535:P/',
  'https://①②⑦.⓪.⓪.①:P/',
  'https://127.0.0.1.:P/',
  'https://localhost%2e:P/',
  'https://foo.localhost.:P/',
  'https://[::ffff:0:7f00:1]:P/',
  'https://[2001:0:7f00:1::1]:P/',
  'https://[64:ff9b::c0a8:101]:P/',
  'https://[64:ff9b:1::7f00:1]:P/',
  'https://[fd00:ec2::254]/latest/meta-data/',
  'https://100.100.100.200/latest/meta-data/',
  'https://169.254.170.2/v2/credentials',
  'https://metadata.evil.example@127.0.0.1:P/',
  ...Object.keys(names)
    .filter((name) => !name.endsWith('localhost'))
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

test('[threat.34] addresses that no browser would read are no addresses here either', () => {
  // Each is refused, or is a name like any other and goes the way of names.
  for (const text of [
    'https://[fe80::1%25lo]/',
    'https://[fe80::1%lo]/',
    'https://[::1',
    'https://::1/',
    'https://256.0.0.1/',
    'https://1.2.3.4.5/',
    'https://0x100000000/',
    'https://127.0.0.1:65536/',
    'https://exam ple.com/',
    'https://127.0.0.1\0.evil.example/',
    'https://%00/',
    'https:///',
  ])
    expect([text, URL.canParse(text) ? new URL(text).hostname : null]).toEqual([text, null])
})

test('[threat.34] the address that was checked is the one connected to, whatever the name says a moment later', async () => {
  const seen: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.5',
    port: 0,
    fetch(request) {
      seen.push(request.headers.get('host') ?? '')
      return new Response('checked')
    },
  })
  const before = hits
  let asked = 0
  const answers = [['127.0.0.5'], ['127.0.0.2'], ['127.0.0.3']]
  const safeFetch = testFetch({ resolve: () => Promise.resolve(answers[asked++] ?? ['127.0.0.4']) })
  try {
    const url = new URL(`http://app.localhost:${server.port}/`)
    for (let i = 0; i < 3; i += 1)
      expect(await (await safeFetch(url, { trust: { kind: 'typed' } })).text()).toBe('checked')
    // Asked once, and believed for a while.
    expect(asked).toBe(1)
    expect(seen).toEqual(Array(3).fill(`app.localhost:${server.port}`))
    expect(hits).toBe(before)
  } finally {
    await server.stop(true)
  }
})

test('[threat.34] a found document cannot redirect to where it could not have led itself', async () => {
  const before = hits
  let location = ''
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => new Response(null, { status: 302, headers: { location } }),
  })
  const trust = { kind: 'found', typedUrl: server.url.href } as const
  try {
    for (const entry of [...corpus, `http://127.0.0.1:P/`, `//127.0.0.2:P/`, '//localhost:P/x']) {
      location = entry.replace(':P', `:${port}`)
      // As bytes of a header.
      if (!/^[\x20-\x7e]*$/.test(location)) continue
      const fetched = testFetch({ resolve })(server.url, { trust, redirects: 'same-origin' })
      expect([entry, (await rejection(fetched)).code]).toEqual([entry, 'net.redirect'])
    }
    expect(hits).toBe(before)
  } finally {
    await server.stop(true)
  }
})

test('[threat.34] a server on this machine opens no way for a found name that resolves to it', async () => {
  const before = hits
  const trust = { kind: 'found', typedUrl: `http://127.0.0.1:${port}/mcp` } as const
  for (const entry of corpus.filter((text) =>
    /evil|192|10\.|172|0xC0|fe80|fd00|2002|64:ff9b|:\[::\]/.test(text),
  )) {
    const url = new URL(entry.replace(':P', `:${port}`))
    const fetched = testFetch({ resolve })(url, { trust, connectTimeout: 1000 })
    expect([entry, (await rejection(fetched)).code]).toEqual([entry, 'net.blocked'])
  }
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

test('[threat.34] the translator of a network with IPv6 alone leads to public addresses only', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const kind = addressKind(address) === 'public' ? 'public' : 'reserved'
      expect([address, addressKind(`64:ff9b::${address}`)]).toEqual([address, kind])
      expect(addressKind(`64:ff9b:1::${address}`)).toBe('reserved')
    }),
  )
  expect(addressKind('64:ff9b::8.8.8.8')).toBe('public')
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

test('[threat.34] nothing in the gateway opens connections around it either', async () => {
  // To the daemon over a unix socket; and which of the checked addresses answers.
  const own = ['gateway/control/connect.ts', 'gateway/net/reach.ts']
  const around: string[] = []
  for await (const file of new Bun.Glob('gateway/**/*.ts').scan('.')) {
    const code = readFileSync(file, 'utf8')
    const modules = /from '(node:)?(http|https|http2|net|tls|dgram|dns|dns\/promises|undici)'/
    if (
      modules.test(code) ||
      /Bun\.(connect|udpSocket)\b|new (WebSocket|EventSource|XMLHttpRequest)\b/.test(code)
    )
      around.push(file)
  }
  expect(around.sort()).toEqual(own)
})
