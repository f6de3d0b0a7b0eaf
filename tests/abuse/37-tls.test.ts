import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { readBody } from '../../gateway/net/body'
import { UnreachedError } from '../../gateway/net/reach'
import { makeCertificate, type Certificate } from '../support/certificates'
import { startKeyring } from '../support/keyring'
import { openLeg, rejection, testFetch } from '../support/remote-leg'
import { startSourceDaemon } from '../support/source-daemon'

let authority: Certificate
let secure: ReturnType<typeof Bun.serve>
let selfSigned: ReturnType<typeof Bun.serve>
let plain: ReturnType<typeof Bun.serve>
const seenHosts: (string | null)[] = []

const serve = (certificate: Certificate | null) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    ...(certificate && { tls: { cert: certificate.cert, key: certificate.key } }),
    async fetch(request) {
      seenHosts.push(request.headers.get('host'))
      const id = /"id":(\d+)/.exec(await request.text())?.[1] ?? '0'
      return new Response(`{"jsonrpc":"2.0","id":${id},"result":{"protocolVersion":"2025-11-25"}}`, {
        headers: { 'content-type': 'application/json' },
      })
    },
  })

beforeAll(() => {
  authority = makeCertificate('Test authority', [])
  secure = serve(makeCertificate('upstream', ['upstream.test', 'other.test'], authority))
  selfSigned = serve(makeCertificate('localhost', ['localhost']))
  plain = serve(null)
})
afterAll(async () => {
  for (const server of [secure, selfSigned, plain]) await server.stop(true)
})

const toLoopback = () => Promise.resolve(['127.0.0.1'])
const at = (host: string, server = secure) => new URL(`https://${host}:${server.port}/mcp`)
const typed = { kind: 'typed' } as const

describe('certificates', () => {
  test('[threat.37] the name is verified although the connection goes to a checked address', async () => {
    const safeFetch = testFetch({ resolve: toLoopback })
    const response = await safeFetch(at('upstream.test'), { trust: typed, ca: authority.cert })
    expect(response.status).toBe(200)
    await readBody(response, 1000)
    expect(seenHosts.at(-1)).toBe(`upstream.test:${secure.port}`)
    for (const host of ['wrong.test', 'upstream.test.evil.example', '127.0.0.1']) {
      const error = await rejection(safeFetch(at(host), { trust: typed, ca: authority.cert }))
      expect(error.code).toBe('net.tls')
    }
  })

  test('[threat.37] a connection verified for one name does not serve another', async () => {
    const safeFetch = testFetch({ resolve: toLoopback })
    for (const host of ['upstream.test', 'other.test', 'wrong.test', 'upstream.test']) {
      const outcome = safeFetch(at(host), { trust: typed, ca: authority.cert })
      if (host === 'wrong.test') expect((await rejection(outcome)).code).toBe('net.tls')
      else await readBody(await outcome, 1000)
    }
  })

  test('[threat.37] an authority nobody trusts and a self-signed certificate are refused', async () => {
    const safeFetch = testFetch({ resolve: toLoopback })
    const unknown = await rejection(safeFetch(at('upstream.test'), { trust: typed }))
    const own = await rejection(safeFetch(at('localhost', selfSigned), { trust: typed }))
    for (const error of [unknown, own]) {
      expect(error.code).toBe('net.tls')
      expect(error).toBeInstanceOf(UnreachedError)
    }
  })

  test('[threat.37] a leg over https speaks through the pinned authority only', async () => {
    await using leg = await openLeg(at('upstream.test').href, { resolve: toLoopback, ca: authority.cert })
    await leg.handshake()
    await using other = await openLeg(at('upstream.test').href, { resolve: toLoopback })
    expect((await rejection(other.handshake())).code).toBe('net.tls')
  })

  test('[threat.37] an address that leads nowhere is passed over for one that answers', async () => {
    const safeFetch = testFetch({ resolve: () => Promise.resolve(['192.0.2.1', '127.0.0.1']) })
    const response = await safeFetch(at('upstream.test'), { trust: typed, ca: authority.cert })
    expect(response.status).toBe(200)
    await readBody(response, 1000)
  })
})

/** Logs the first line of everything that connects; tunnels CONNECT to `target` when there is one. */
async function startProxy(target: number | null) {
  const lines: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (head: Buffer) => {
      lines.push(head.toString().split('\r\n', 1)[0] ?? '')
      if (target === null) return void socket.end('HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n')
      const far = connect(target, '127.0.0.1')
      far.on('error', () => socket.destroy())
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      socket.pipe(far)
      far.pipe(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    lines,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function inChild(url: string, env: Record<string, string>): Promise<string> {
  const child = Bun.spawn([process.execPath, join('tests', 'servers', 'fetch-once.ts'), url], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  return (await new Response(child.stdout).text()).trim()
}

describe('the environment of the process', () => {
  test('[threat.37] NODE_TLS_REJECT_UNAUTHORIZED=0 does not open a self-signed server', async () => {
    const url = `https://localhost:${selfSigned.port}/`
    expect(await inChild(url, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toBe('net.tls')
  })

  test('[threat.37] proxy variables are never used for loopback', async () => {
    await using canary = await startProxy(null)
    const variables: Record<string, string> = {}
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']) {
      variables[name] = canary.url
      variables[name.toLowerCase()] = canary.url
    }
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await inChild(`http://${host}:${plain.port}/`, variables)).toStartWith('200')
    }
    expect(await inChild(`https://localhost:${selfSigned.port}/`, variables)).toBe('net.tls')
    expect(canary.lines).toEqual([])
  })

  test('[threat.37] a name that resolves to loopback is not told to a proxy either', async () => {
    await using canary = await startProxy(null)
    const safeFetch = testFetch({ resolve: toLoopback, environment: { HTTPS_PROXY: canary.url } })
    await readBody(await safeFetch(at('upstream.test'), { trust: typed, ca: authority.cert }), 1000)
    expect(canary.lines).toEqual([])
  })

  test('[threat.37] an upstream beyond this machine goes through the proxy, its certificate still verified', async () => {
    await using proxy = await startProxy(secure.port ?? 0)
    const unresolved = () => Promise.reject(new Error('only the proxy knows'))
    const safeFetch = testFetch({ resolve: unresolved, environment: { https_proxy: proxy.url } })
    await readBody(
      await safeFetch(new URL('https://upstream.test/mcp'), { trust: typed, ca: authority.cert }),
      1000,
    )
    expect(proxy.lines).toEqual(['CONNECT upstream.test:443 HTTP/1.1'])
    const wrong = safeFetch(new URL('https://wrong.test/mcp'), { trust: typed, ca: authority.cert })
    expect((await rejection(wrong)).code).toBe('net.tls')
  })

  test('[threat.37] what a server names is checked before a proxy hears of it', async () => {
    await using canary = await startProxy(null)
    const environment = { HTTPS_PROXY: canary.url }
    const safeFetch = testFetch({ resolve: () => Promise.resolve(['10.0.0.1']), environment })
    const error = await rejection(
      safeFetch(new URL('https://intranet.example/'), { trust: { kind: 'found', typedUrl: null } }),
    )
    expect(error.code).toBe('net.blocked')
    expect(canary.lines).toEqual([])
  })

  test('[threat.37] NO_PROXY takes hosts, ports, addresses and networks out', async () => {
    await using canary = await startProxy(null)
    for (const [entry, direct] of [
      ['upstream.test', true],
      ['.test', true],
      ['*', true],
      [`upstream.test:${secure.port}`, true],
      ['upstream.test:1', false],
      ['stream.test', false],
      ['example.com, 10.0.0.0/8', false],
    ] as const) {
      const mark = canary.lines.length
      const environment = { HTTPS_PROXY: canary.url, NO_PROXY: entry }
      // A private address nobody answers at: direct ends without the proxy, and through the proxy at the proxy.
      const safeFetch = testFetch({ resolve: () => Promise.resolve(['192.0.2.1']), environment })
      await rejection(safeFetch(at('upstream.test'), { trust: typed, connectTimeout: direct ? 100 : 10_000 }))
      expect([entry, canary.lines.length === mark]).toEqual([entry, direct])
    }
  })
})

test('[threat.37] a gateway whose environment switches all of this sends a proxy what goes to the world, and verifies it', async () => {
  await using keyring = await startKeyring()
  await using canary = await startProxy(null)
  const variables: Record<string, string> = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'])
    variables[name] = variables[name.toLowerCase()] = canary.url
  const env = { ...keyring.env, ...variables }
  await using daemon = await startSourceDaemon(env)
  const cli = (...args: string[]) => daemon.cli(args, { env })
  const add = (name: string, url: string) => cli('add', name, '--yes', '--url', url)

  expect((await add('near', `http://127.0.0.1:${plain.port}/mcp`)).stdout).not.toContain('failed')
  expect((await add('named', `http://localhost:${plain.port}/mcp`)).stdout).not.toContain('failed')
  const bad = await add('bad', `https://localhost:${selfSigned.port}/mcp`)
  expect(bad.stdout + bad.stderr).toContain('certificate')
  expect((await cli('status')).code).toBe(0)
  expect((await fetch(new URL('/health', daemon.mcpUrl))).status).toBe(200)
  expect(canary.lines).toEqual([])

  await add('far', 'https://upstream.invalid/mcp')
  expect(new Set(canary.lines)).toEqual(new Set(['CONNECT upstream.invalid:443 HTTP/1.1']))
})
