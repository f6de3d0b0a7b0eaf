import { describe, expect, test } from 'bun:test'
import type { ErrorCode } from '../../gateway/errors'
import { UndeliveredError } from '../../gateway/transport/channel'
import { startRawSse } from '../servers/raw-sse'
import { startSdkSse } from '../servers/sdk-http'
import { everythingRemote } from '../support/reference-servers'
import { openLeg, rejection, until } from '../support/remote-leg'

const sse = { transport: 'sse' } as const

test('[gw.transports] server-everything over legacy SSE lists, calls and reports progress', async () => {
  await using server = await everythingRemote('sse')
  await using leg = await openLeg(server.url, sse)
  const hello = await leg.handshake()
  expect(hello.message.result).toMatchObject({ serverInfo: { name: expect.any(String) } })
  expect((await leg.call('tools/list')).text).toContain('"echo"')
  const echo = await leg.call('tools/call', { name: 'echo', arguments: { message: 'hallo' } })
  expect(echo.text).toContain('hallo')
  expect(echo.callId).toBeNull()
  await leg.call('tools/call', {
    name: 'trigger-long-running-operation',
    arguments: { duration: 1, steps: 3 },
    _meta: { progressToken: 77 },
  })
  expect(leg.received.filter(({ message }) => message.method === 'notifications/progress')).toHaveLength(3)
})

test('[gw.transports] the SDK’s own SSE server answers forty calls at once and tells of changes', async () => {
  await using server = await startSdkSse()
  await using leg = await openLeg(server.url, sse)
  await leg.handshake()
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => leg.call('tools/call', { name: 'greet', arguments: {} })),
  )
  expect(new Set(answers.map(({ message }) => message.id)).size).toBe(40)
  await server.toolsChanged()
  await until('list_changed', () =>
    leg.received.some(({ message }) => message.method?.endsWith('list_changed') ?? false),
  )
})

test('[mcp.lifecycle] a stream that ends is the end of the leg, and close ends the stream', async () => {
  const server = await startSdkSse()
  await using leg = await openLeg(server.url, sse)
  await leg.handshake()
  const other = await openLeg(server.url, sse)
  await other.channel.close()
  expect(other.closed).toBeNull()
  await until('the server sees it', () => server.sessions() === 1)
  const { closed } = leg
  expect(closed).toBeUndefined()
  await server[Symbol.asyncDispose]()
  await until('the leg ends', () => leg.closed !== undefined)
  expect(leg.closed?.code).toBe('upstream.lost')
  expect(await rejection(leg.call('tools/list'))).toBeInstanceOf(UndeliveredError)
})

test('[mcp.lifecycle] a session the server has forgotten is undelivered and ends the leg', async () => {
  await using server = await startSdkSse()
  await using leg = await openLeg(server.url, sse)
  await leg.handshake()
  server.forgetSessions()
  expect(await rejection(leg.call('tools/list'))).toBeInstanceOf(UndeliveredError)
  await until('the leg ends', () => leg.closed !== undefined)
})

test('[gw.transparent] arguments and results keep their bytes over legacy SSE', async () => {
  const awkward =
    '{"big":9007199254740993,"huge":1e400,"one":1.0,"a":1,"a":2,"text":"\\u00e9\\/ü","x":{"type":"hologram"}}'
  await using server = startRawSse({ result: awkward })
  await using leg = await openLeg(server.url, sse)
  const request = `{"params": {"name":"echo","arguments":${awkward}},"id":7,  "method":"tools/call","jsonrpc":"2.0"}`
  const answer = await leg.callRaw(request, 7)
  expect(server.bodies).toEqual([request])
  expect(answer.text).toBe(`{"jsonrpc":"2.0","id":7,"result":${awkward}}`)
})

describe('servers that are none', () => {
  const cases: Record<string, [() => Response | Promise<Response>, ErrorCode]> = {
    html: [() => new Response('<html>', { headers: { 'content-type': 'text/html' } }), 'upstream.garbage'],
    'not found': [() => new Response('no', { status: 404 }), 'upstream.http_error'],
    unauthorized: [() => new Response('no', { status: 401 }), 'upstream.credentials_refused'],
    'a stream that ends': [
      () => new Response(': bye\n\n', { headers: { 'content-type': 'text/event-stream' } }),
      'upstream.lost',
    ],
    'no endpoint event': [
      () => new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } }),
      'upstream.timeout',
    ],
    silence: [() => new Promise<Response>(() => undefined), 'upstream.timeout'],
    'an endless line': [
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(0x61)),
          }),
          { headers: { 'content-type': 'text/event-stream' } },
        ),
      'upstream.too_large',
    ],
  }
  for (const [name, [answer, code]] of Object.entries(cases)) {
    test(`[threat.71] ${name} refuses the connection with ${code}`, async () => {
      const server = Bun.serve({ hostname: '127.0.0.1', port: 0, idleTimeout: 0, fetch: answer })
      try {
        const limits = { connectTimeout: code === 'upstream.timeout' ? 300 : 10_000 }
        expect((await rejection(openLeg(server.url.href, { ...sse, limits }))).code).toBe(code)
      } finally {
        await server.stop(true)
      }
    })
  }

  test('[threat.71] nobody at the address is undelivered', async () => {
    expect(await rejection(openLeg('http://127.0.0.1:1/sse', sse))).toBeInstanceOf(UndeliveredError)
  })
})
