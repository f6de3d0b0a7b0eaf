// What the specification allows and clients rarely meet, through the compiled binary.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, repository, startDaemon, type Daemon } from '../support/daemon'
import { mcpHeaders, openRawSession, type RawSession } from '../support/raw-client'
import { readEvents } from '../support/sse-reader'

let daemon: Daemon
let key: string
let log: string

const MiB = 1024 * 1024
const callOf = (id: unknown, name: string, args: object = {}, meta: object = {}) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: `edges_${name}`, arguments: args, _meta: meta },
  })
const bodyOf = (id: unknown, method: string, params: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })
const headersOf = (session: RawSession, more: Record<string, string> = {}) => ({
  ...mcpHeaders(key),
  'Mcp-Session-Id': session.id,
  ...more,
})
const send = (session: RawSession, body: string, signal?: AbortSignal) =>
  fetch(daemon.mcpUrl, { method: 'POST', headers: headersOf(session), body, signal })
const listen = async (session: RawSession, more: Record<string, string> = {}) =>
  readEvents(await fetch(daemon.mcpUrl, { headers: headersOf(session, more) }))
const open = () => openRawSession(daemon.mcpUrl, key)
const received = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')

beforeAll(async () => {
  daemon = await startDaemon()
  log = join(daemon.home, 'edges.log')
  const program = join(repository, 'tests/servers/edges-stdio.ts')
  await daemon.ok('add', 'edges', '--yes', '--', process.execPath, program, log)
  key = (await daemon.ok('key', 'create', 'tester')).trim()
})
afterAll(() => daemon[Symbol.asyncDispose]())

for (const [count, bytes] of [
  [2000, 0],
  [1500, 4000],
] as const)
  test(`[mcp.logging] ${count} messages of ${bytes} bytes that come at once all arrive, in order, before the answer`, async () => {
    const session = await open()
    const stream = readEvents(await send(session, callOf('b', 'chatter', { count, bytes })))
    await stream.finished
    const messages = stream.messages()
    const lines = messages.slice(0, -1).map(({ params }) => (params as { data: string }).data)
    expect(lines.map((line) => parseInt(line, 10))).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    expect(messages.at(-1)).toMatchObject({ id: 'b', result: { content: [{ text: `${count} lines` }] } })
  })

test('[mcp.progress] tokens come back as what they were: numbers, strings that look like numbers, odd ones', async () => {
  const session = await open()
  for (const progressToken of [7, '7', 0, 'ä"\\', 1.5]) {
    const { message, headers } = await session.post(callOf(1, 'meta', {}, { progressToken, 'acme/x': [1] }))
    expect(headers.get('content-type')).toContain('json')
    expect(message).toContain('acme/x')
    const stream = readEvents(await send(session, callOf(2, 'burst', { count: 1 }, { progressToken })))
    await stream.finished
    expect(stream.messages()[0]).toMatchObject({ params: { progressToken, progress: 1 } })
  }
})

test('[mcp.resources] an update right behind the answer to a subscription reaches its subscriber', async () => {
  const session = await open()
  const stream = await listen(session)
  await session.post(bodyOf(1, 'resources/subscribe', { uri: 'edges://a' }))
  await eventually(
    () => stream.messages(),
    (messages) => messages.some(({ method }) => method === 'notifications/resources/updated'),
  )
})

test('[mcp.resources] updates reach subscribers only, and end with the subscription', async () => {
  const [a, b] = [await open(), await open()]
  const [streamA, streamB] = [await listen(a), await listen(b)]
  await a.post(bodyOf(1, 'resources/subscribe', { uri: 'edges://b' }))
  const updates = (stream: typeof streamA) =>
    stream.messages().filter(({ params }) => (params as { uri?: string } | undefined)?.uri === 'edges://b')
      .length
  await a.post(callOf(2, 'touch', { uri: 'edges://b' }))
  await eventually(
    () => updates(streamA),
    (many) => many === 2,
  )
  await a.post(bodyOf(3, 'resources/unsubscribe', { uri: 'edges://b' }))
  await eventually(received, (text) => text.includes('resources/unsubscribe'))
  await a.post(callOf(4, 'touch', { uri: 'edges://b' }))
  await b.post(callOf(5, 'meta'))
  expect([updates(streamA), updates(streamB)]).toEqual([2, 0])
})

test('[mcp.resources] a subscriber hears of parts of its resource, and not of what merely begins alike', async () => {
  const session = await open()
  const stream = await listen(session)
  await session.post(bodyOf(1, 'resources/subscribe', { uri: 'edges://a' }))
  for (const uri of ['edges://ab', 'edges://a/part']) await session.post(callOf(2, 'touch', { uri }))
  const uris = () =>
    stream.messages().flatMap(({ params }) => (params as { uri?: string } | undefined)?.uri ?? [])
  await eventually(uris, (seen) => seen.includes('edges://a/part'))
  expect(uris()).toEqual(['edges://a', 'edges://a/part'])
})

test('[mcp.completion] a server without completion has nothing to offer, which is no reason to stop asking', async () => {
  const session = await open()
  const params = { ref: { type: 'ref/resource', uri: 'edges://a' }, argument: { name: 'x', value: 'y' } }
  const { message } = await session.post(bodyOf('c', 'completion/complete', params))
  expect(JSON.parse(message)).toEqual({ jsonrpc: '2.0', id: 'c', result: { completion: { values: [] } } })
})

test('[mcp.logging] each session gets the messages of its calls from its own level on', async () => {
  const [quiet, chatty] = [await open(), await open()]
  await quiet.post(bodyOf(1, 'logging/setLevel', { level: 'error' }))
  await chatty.post(bodyOf(1, 'logging/setLevel', { level: 'info' }))
  const levels = async (session: RawSession) => {
    const stream = readEvents(await send(session, callOf(2, 'levels')))
    await stream.finished
    return stream.messages().flatMap(({ params }) => (params as { level?: string } | undefined)?.level ?? [])
  }
  expect(await levels(quiet)).toEqual(['error'])
  expect(await levels(chatty)).toEqual(['info', 'error'])
})

test('[limits] results of 5 MB and 15 MB arrive whole, one over the limit is an error with a code', async () => {
  const session = await open()
  for (const bytes of [5 * MiB, 15 * MiB]) {
    const { message } = await session.post(callOf(1, 'fill', { bytes }))
    const { result } = JSON.parse(message) as { result?: { content: { text: string }[] } }
    expect(result?.content[0]?.text.length).toBe(bytes)
  }
  const { message } = await session.post(callOf(2, 'fill', { bytes: 17 * MiB }))
  expect(JSON.parse(message)).toMatchObject({ id: 2, error: { data: { code: 'upstream.too_large' } } })
  expect((await session.post(callOf(3, 'meta'))).message).toContain('"id":3')
})

test('[mcp.http] whoever resumes a stream whose answer was too large to keep is told so', async () => {
  const session = await open()
  const resumed = async (bytes: number) => {
    const gone = new AbortController()
    const args = { count: 1, ms: 600, bytes }
    const stream = readEvents(
      await send(session, callOf('b', 'late', args, { progressToken: 1 }), gone.signal),
    )
    await eventually(
      () => stream.messages(),
      (messages) => messages.length === 1,
    )
    const after = { 'Last-Event-ID': stream.events.at(-1)?.id ?? '' }
    gone.abort()
    const rest = await listen(session, after)
    await rest.finished
    const again = await listen(session, after)
    await again.finished
    return [rest, again].map((one) => one.messages())
  }
  const [live, kept] = await resumed(MiB / 2)
  expect(live).toMatchObject([{ id: 'b', result: {} }])
  expect(kept).toEqual(live)
  const [large, replaced] = await resumed(5 * MiB)
  expect(large).toMatchObject([{ id: 'b', result: {} }])
  expect(replaced).toMatchObject([{ id: 'b', error: { data: { code: 'session.answer_dropped' } } }])
})

test('[mcp.http] of a stream that breaks again and again every message arrives, once and in order', async () => {
  const session = await open()
  const other = send(session, callOf('o', 'drip', { count: 40, ms: 55 }, { progressToken: 'other' }))
  const seen: unknown[] = []
  let lastId = ''
  let breaks = 0
  for (let over = false; !over; breaks += 1) {
    const stop = new AbortController()
    const response = await fetch(daemon.mcpUrl, {
      signal: stop.signal,
      ...(lastId === ''
        ? {
            method: 'POST',
            headers: headersOf(session),
            body: callOf('d', 'drip', { count: 40, ms: 55 }, { progressToken: 1 }),
          }
        : { headers: headersOf(session, { 'Last-Event-ID': lastId }) }),
    })
    const stream = readEvents(response)
    await eventually(
      () => stream.messages().length,
      (many) => many >= 3 || stream.ended(),
    )
    stop.abort()
    await stream.finished
    lastId = stream.events.at(-1)?.id ?? lastId
    for (const { id, params } of stream.messages()) {
      seen.push((params as { progress?: number } | undefined)?.progress ?? id)
      over ||= id !== undefined
    }
  }
  expect(seen).toEqual([...Array.from({ length: 40 }, (_, i) => i + 1), 'd'])
  expect(breaks).toBeGreaterThan(2)
  const whole = readEvents(await other)
  await whole.finished
  expect(whole.messages().length).toBe(41)
})

test('[mcp.http] a stream that is not known any more cannot be resumed, and the listener stays what it is', async () => {
  const session = await open()
  const listener = await listen(session)
  const epoch = await eventually(
    () => listener.events.at(-1)?.id?.split('-')[0],
    (seen) => seen !== undefined,
  )
  const tag = (token: string) => Buffer.from(token).toString('base64url')
  for (const id of [
    `${epoch}-99-3`,
    'nonsense',
    `${epoch}-99`,
    `${epoch}-9-9-${tag('{}')}`,
    `${epoch}-9-9-${tag(' 1')}`,
  ]) {
    const answer = await fetch(daemon.mcpUrl, { headers: headersOf(session, { 'Last-Event-ID': id }) })
    expect([id, answer.status]).toEqual([id, 400])
    expect(await answer.json()).toMatchObject({ error: { data: { code: 'session.stream_unknown' } } })
  }
  for (const id of ['"größe"', '7']) {
    // As after a restart, or when newer events took the place: the call ends with an error instead of never.
    const after = { 'Last-Event-ID': `00000000-4-2-${tag(id)}` }
    const lost = await listen(session, after)
    await lost.finished
    expect(lost.messages()).toMatchObject([
      { id: JSON.parse(id), error: { data: { code: 'session.stream_unknown' } } },
    ])
  }
  expect(listener.ended()).toBe(false)
  // A restart of the gateway forgets what its listening stream sent, not that there is one.
  const resumed = await listen(session, { 'Last-Event-ID': '00000000-0-5' })
  expect(resumed.ended()).toBe(false)
})
