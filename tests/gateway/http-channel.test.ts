import { describe, expect, test } from 'bun:test'
import { UndeliveredError } from '../../gateway/transport/channel'
import { startEvilHttp } from '../servers/evil-http'
import { startRawHttp } from '../servers/raw-http'
import { startSdkHttp } from '../servers/sdk-http'
import { everythingRemote } from '../support/reference-servers'
import { openLeg, rejection, until } from '../support/remote-leg'

test('[gw.transports] server-everything over Streamable HTTP lists, calls and reports progress', async () => {
  await using server = await everythingRemote('streamableHttp')
  await using leg = await openLeg(server.url)
  const hello = await leg.handshake()
  expect(hello.message.result).toMatchObject({ serverInfo: { name: expect.any(String) } })
  expect((await leg.call('tools/list')).text).toContain('"echo"')
  const echo = await leg.call('tools/call', { name: 'echo', arguments: { message: 'hallo' } })
  expect(echo.text).toContain('hallo')
  const long = await leg.call('tools/call', {
    name: 'trigger-long-running-operation',
    arguments: { duration: 1, steps: 3 },
    _meta: { progressToken: 77 },
  })
  const progress = leg.received.filter(({ message }) => message.method === 'notifications/progress')
  expect(progress.map(({ callId }) => callId)).toEqual(Array(3).fill(long.callId))
})

for (const line of ['v1', 'v2'] as const) {
  for (const json of [true, false]) {
    describe(`SDK ${line}, answers as ${json ? 'JSON' : 'streams'}`, () => {
      test('[gw.transports] lists, calls in parallel, and each answer belongs to its call', async () => {
        await using server = startSdkHttp(line, { json })
        await using leg = await openLeg(server.url)
        await leg.handshake()
        expect((await leg.call('tools/list')).text).toContain('"steps"')
        const answers = await Promise.all(
          Array.from({ length: 40 }, () => leg.call('tools/call', { name: 'greet', arguments: {} })),
        )
        expect(new Set(answers.map(({ callId }) => callId)).size).toBe(40)
        for (const { callId, message } of answers) expect(message.id).toBe(callId)
      })

      test('[mcp.lifecycle] the session is used, ended at close, and its loss is undelivered', async () => {
        await using server = startSdkHttp(line, { json })
        const leg = await openLeg(server.url)
        await leg.handshake()
        expect(server.sessions()).toBe(1)
        await leg.channel.close()
        expect(server.sessions()).toBe(0)
        expect(leg.closed).toBeNull()

        const second = await openLeg(server.url)
        await second.handshake()
        server.forgetSessions()
        expect(await rejection(second.call('tools/list'))).toBeInstanceOf(UndeliveredError)
        await until('the leg ends', () => second.closed !== undefined)
        expect(second.closed?.code).toBe('upstream.lost')
        await second.channel.close()
      })

      test('[mcp.list-changed] a changed list arrives outside any call', async () => {
        await using server = startSdkHttp(line, { json })
        await using leg = await openLeg(server.url)
        await leg.handshake()
        const changes = () =>
          leg.received.filter(({ message }) => message.method === 'notifications/tools/list_changed')
        const end = Date.now() + 60_000
        while (changes().length === 0 && Date.now() < end) {
          await server.toolsChanged()
          await Bun.sleep(50)
        }
        expect(changes()[0]?.callId).toBeNull()
      })
    })
  }

  test(`[mcp.progress] SDK ${line}: progress comes on the call’s own stream, all of it, in order`, async () => {
    await using server = startSdkHttp(line)
    await using leg = await openLeg(server.url)
    await leg.handshake()
    const answer = await leg.call('tools/call', { name: 'steps', arguments: {}, _meta: { progressToken: 5 } })
    const steps = leg.received.filter(({ message }) => message.method === 'notifications/progress')
    expect(steps.map(({ message }) => (message.params as { progress: number }).progress)).toEqual([1, 2, 3])
    expect(steps.map(({ callId }) => callId)).toEqual([answer.callId, answer.callId, answer.callId])
  })

  test(`[mcp.http] SDK ${line}: a stream the server closes before the answer is taken up again`, async () => {
    await using server = startSdkHttp(line)
    await using leg = await openLeg(server.url)
    await leg.handshake()
    const answer = await leg.call('tools/call', { name: 'poll', arguments: {} })
    expect(answer.text).toContain('poll done')
    expect(answer.callId).toBe(leg.lastCallId())
  })
}

/** What `JSON.parse` and back would not leave alone. */
const awkward =
  '{"big":9007199254740993,"huge":1e400,"one":1.0,"a":1,"a":2,"\\u0061":3,"text":"\\u00e9\\/ü","x":{"type":"hologram"}}'

for (const stream of [false, true]) {
  test(`[gw.transparent] arguments and results keep their bytes (${stream ? 'stream' : 'JSON'})`, async () => {
    await using server = startRawHttp({ stream, result: awkward })
    await using leg = await openLeg(server.url)
    await leg.handshake()
    const request = `{"params": {"name":"echo","arguments":${awkward}},"id":7,  "method":"tools/call","jsonrpc":"2.0"}`
    const answer = await leg.callRaw(request, 7)
    expect(server.bodies.at(-1)).toBe(request)
    expect(answer.text).toBe(`{"jsonrpc":"2.0","id":7,"result":${awkward},"extra":1.0}`)
  })
}

test('[limits] a message of several megabytes passes below the limit and fails its call above it', async () => {
  const result = `{"text":"${'x'.repeat(3_000_000)}"}`
  for (const stream of [false, true]) {
    await using server = startRawHttp({ stream, result })
    await using wide = await openLeg(server.url, { limits: { maxMessageBytes: 4_000_000 } })
    await wide.handshake()
    expect((await wide.call('tools/call')).text).toContain(result)
    await using narrow = await openLeg(server.url, { limits: { maxMessageBytes: 100_000 } })
    await narrow.handshake()
    expect((await rejection(narrow.call('tools/call'))).code).toBe('upstream.too_large')
    expect(narrow.closed).toBeUndefined()
  }
})

test('[limits] what waits to be sent is bounded, one large message alone is not', async () => {
  await using server = await startEvilHttp()
  await using leg = await openLeg(server.url('silent-call'), { limits: { maxQueuedBytes: 2000 } })
  await leg.handshake()
  const large = rejection(leg.call('tools/call', { text: 'x'.repeat(50_000) }))
  expect((await rejection(leg.call('tools/call'))).code).toBe('upstream.busy')
  leg.channel.abandon(leg.lastCallId() - 1)
  // Once it is given up, it does not wait any more, and there is room again.
  expect((await large).code).toBe('rpc.cancelled')
  const next = rejection(leg.call('tools/call'))
  await leg.channel.close()
  expect((await next).code).not.toBe('upstream.busy')
})

test('[mcp.http] the stream for notifications is opened after initialized and taken up where it ended', async () => {
  await using server = await startEvilHttp()
  await using leg = await openLeg(server.url('listen-good'))
  await leg.handshake()
  await until('the stream is opened twice', () => server.seenIn('listen-good', 'GET').length >= 2)
  const [initialize, initialized, ...rest] = server.seenIn('listen-good')
  expect(initialize?.body).toContain('"initialize"')
  expect(initialize?.headers['mcp-session-id']).toBeUndefined()
  expect(initialize?.headers['mcp-protocol-version']).toBeUndefined()
  expect(initialized?.body).toContain('notifications/initialized')
  const gets = rest.filter(({ method }) => method === 'GET')
  expect(gets[0]?.headers['last-event-id']).toBeUndefined()
  expect(gets[1]?.headers['last-event-id']).toBe('7')
  for (const { headers } of [initialized, ...gets].filter((one) => one !== undefined)) {
    expect(headers['mcp-session-id']).toBe('session-of-listen-good')
    expect(headers['mcp-protocol-version']).toBe('2025-11-25')
  }
  expect(
    leg.received.some(({ callId, message }) => callId === null && message.method?.endsWith('list_changed')),
  ).toBe(true)
})

test('[mcp.lifecycle] no call overtakes notifications/initialized', async () => {
  await using server = startRawHttp({ result: '{}', slowNotifications: 200 })
  await using leg = await openLeg(server.url)
  const hello = await leg.call('initialize')
  expect(hello.kind).toBe('response')
  leg.channel.negotiated('2025-11-25')
  const notified = leg.notify('notifications/initialized')
  await Promise.all([notified, leg.call('tools/list'), leg.call('tools/call')])
  const order = server.bodies.map((body) => (JSON.parse(body) as { method: string }).method)
  expect(order.slice(0, 2)).toEqual(['initialize', 'notifications/initialized'])
})

test('[mcp.lifecycle] closing is done once, tells the server, and waits for no dead server', async () => {
  await using server = await startEvilHttp()
  const leg = await openLeg(server.url('silent-call'))
  await leg.handshake()
  const open = rejection(leg.call('tools/call'))
  await Promise.all([leg.channel.close(), leg.channel.close()])
  expect(server.seenIn('silent-call', 'DELETE')).toHaveLength(1)
  expect(leg.closed).toBeNull()
  await open
  expect(await rejection(leg.notify('notifications/late'))).toBeInstanceOf(UndeliveredError)
})
