import { expect, test } from 'bun:test'
import type { Exchange } from '../../gateway/domain/exchange'
import type { FeatureKind } from '../../gateway/domain/feature'
import type { Route } from '../../gateway/mcp/route'
import type { Envelope } from '../../gateway/wire/envelope'
import { rawOf } from '../../gateway/wire/members'
import { notificationMessage, resultMessage } from '../../gateway/wire/messages'
import {
  callBody,
  emptyView,
  openSession,
  sessionHeaders,
  startDoor,
  type TestDoor,
  until,
} from '../support/door'
import { modernFetch } from '../support/modern-client'
import { readEvents } from '../support/sse-reader'

const bytes = (text: string) => new TextEncoder().encode(text)
const answerOf = (message: Envelope, result = '{"ok":true}') =>
  resultMessage(message.id ? rawOf(message.bytes, message.id) : bytes('null'), bytes(result))
const note = (n: number) => notificationMessage('notifications/progress', { progressToken: 't', progress: n })

interface Held {
  message: Envelope
  exchange: Exchange
  finish: (result?: string) => void
}

/** A route whose calls wait until the test lets them go. */
function holding() {
  const held: Held[] = []
  const route: Route = (_view, message, exchange) =>
    new Promise((resolve) => {
      held.push({ message, exchange, finish: (result) => resolve(answerOf(message, result)) })
    })
  return { held, route }
}

async function connect(door: TestDoor, version?: string) {
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key, version))
  return {
    key,
    headers,
    post: (body: string) => fetch(door.url, { method: 'POST', headers, body }),
    listen: (lastEvent?: string, signal?: AbortSignal) =>
      fetch(door.url, {
        headers: lastEvent === undefined ? headers : { ...headers, 'Last-Event-ID': lastEvent },
        signal,
      }),
  }
}

test('[mcp.progress] a notification before the answer makes it an event stream, in order', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route })
  const client = await connect(door)
  const pending = client.post(callBody(7, 'tools/call', '{"_meta":{"progressToken":1e2}}'))
  await until(() => held.length === 1)
  const [call] = held
  expect(new TextDecoder().decode(call?.exchange.progressToken ?? bytes(''))).toBe('1e2')
  for (const n of [1, 2, 3]) call?.exchange.notify(note(n))
  call?.finish()
  const response = await pending
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const stream = readEvents(response)
  await stream.finished
  expect(
    stream.messages().map((message) => message.id ?? (message.params as { progress: number }).progress),
  ).toEqual([1, 2, 3, 7])
  expect(stream.events[0]).toMatchObject({ data: '' })
  expect(stream.text()).toContain('retry: 1000')
  expect(new Set(stream.events.map(({ id }) => id)).size).toBe(stream.events.length)
})

test('[mcp.http] a client that names event streams first gets one though its answer is there, if it knows of empty events', async () => {
  await using door = await startDoor({ route: (_view, message) => Promise.resolve(answerOf(message)) })
  const answered = async (version: string, Accept: string) => {
    const { headers } = await connect(door, version)
    const body = callBody(1, 'tools/list', '{}')
    const response = await fetch(door.url, { method: 'POST', headers: { ...headers, Accept }, body })
    return [response.headers.get('content-type'), (await response.text()).match(/^data/gm)?.length ?? 0]
  }
  const [streams, json] = ['text/event-stream, application/json', 'application/json, text/event-stream']
  expect(await answered('2025-11-25', streams)).toEqual(['text/event-stream', 2])
  expect(await answered('2025-11-25', json)).toEqual(['application/json', 0])
  expect(await answered('2025-06-18', streams)).toEqual(['application/json', 0])
})

test('[mcp.http] clients before 2025-11-25 get no event without data', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route })
  const client = await connect(door, '2025-06-18')
  const pending = client.post(callBody(1))
  await until(() => held.length === 1)
  held[0]?.exchange.notify(note(1))
  held[0]?.finish()
  const stream = readEvents(await pending)
  await stream.finished
  expect(stream.events.length).toBe(2)
  expect(stream.events.every(({ data }) => data !== '')).toBe(true)
})

test('[mcp.http] an answer that takes long begins as a stream with heartbeats', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route, beatMs: 10 })
  const client = await connect(door)
  const response = await client.post(callBody(1))
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const stream = readEvents(response)
  await until(() => stream.text().includes(': still here'))
  held[0]?.finish('{"late":1}')
  await stream.finished
  expect(stream.messages()).toEqual([{ jsonrpc: '2.0', id: 1, result: { late: 1 } }])
})

test('[mcp.modern] a second round that takes long begins as a stream, too', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route, beatMs: 10 })
  const { text: key } = door.keyFor('modern')
  const call = (params: Record<string, unknown>) =>
    modernFetch(door.url, key, { method: 'tools/call', params: { name: 'x', ...params } })
  const first = call({})
  await until(() => held.length === 1)
  const asked = held[0]?.exchange.ask('elicitation/create', bytes('{}'))
  const { requestState } = ((await (await first).json()) as { result: { requestState: string } }).result
  const second = await call({ requestState, inputResponses: { 1: { action: 'cancel' } } })
  await asked
  expect(second.headers.get('content-type')).toBe('text/event-stream')
  held[0]?.finish('{"late":1}')
  const stream = readEvents(second)
  await stream.finished
  expect(stream.messages()).toEqual([{ jsonrpc: '2.0', id: 1, result: { late: 1 } }])
  expect(door.door.inFlight()).toBe(0)
})

test('[mcp.http] a lost connection does not cancel: the rest is fetched with Last-Event-ID, of that stream only', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route })
  const client = await connect(door)
  const lost = new AbortController()
  const pending = fetch(door.url, {
    method: 'POST',
    headers: client.headers,
    body: callBody(1),
    signal: lost.signal,
  })
  const other = client.post(callBody(2))
  await until(() => held.length === 2)
  const one = held.find(({ message }) => new TextDecoder().decode(message.bytes).includes('"id":1'))
  const two = held.find((call) => call !== one)
  one?.exchange.notify(note(1))
  two?.exchange.notify(note(20))
  const first = readEvents(await pending)
  await until(() => first.messages().length === 1)
  const lastSeen = first.events.at(-1)?.id ?? ''
  lost.abort()
  await first.finished
  one?.exchange.notify(note(2))
  expect(one?.exchange.signal.aborted).toBe(false)

  const resumed = readEvents(await client.listen(lastSeen))
  await until(() => resumed.messages().length === 1)
  one?.finish('{"value":9007199254740993}')
  await resumed.finished
  expect(resumed.text()).toContain('9007199254740993')
  expect(resumed.messages().map((message) => message.id ?? 'note')).toEqual(['note', 1])

  const again = readEvents(await client.listen(lastSeen))
  await again.finished
  expect(again.messages().length).toBe(2)
  two?.finish()
  const second = readEvents(await other)
  await second.finished
  expect(second.messages().map((message) => message.id ?? 'note')).toEqual(['note', 2])
})

test('[mcp.http] the answer to a call nobody waits for any more is kept for its client', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route })
  const client = await connect(door)
  const lost = new AbortController()
  const pending = fetch(door.url, {
    method: 'POST',
    headers: client.headers,
    body: callBody(1),
    signal: lost.signal,
  })
  await until(() => held.length === 1)
  held[0]?.exchange.notify(note(1))
  const stream = readEvents(await pending)
  await until(() => stream.messages().length === 1)
  lost.abort()
  await stream.finished
  held[0]?.finish()
  await until(() => door.door.inFlight() === 0)
  const resumed = readEvents(await client.listen(stream.events[0]?.id ?? ''))
  await resumed.finished
  expect(resumed.messages().at(-1)).toEqual({ jsonrpc: '2.0', id: 1, result: { ok: true } })
})

test('[mcp.cancellation] cancelled aborts that call and answers it, for numbers and strings of any kind', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route })
  const client = await connect(door)
  const number = client.post(callBody(1))
  const text = client.post(callBody('1'))
  const word = client.post(callBody('größer 🎈'))
  await until(() => held.length === 3)
  const isText = (call: Held) => new TextDecoder().decode(call.message.bytes).includes('"id":"1"')
  await client.post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1"}}')
  expect(await (await text).json()).toMatchObject({ id: '1', error: { data: { code: 'rpc.cancelled' } } })
  expect(held.map((call) => [isText(call), call.exchange.signal.aborted]).sort()).toEqual([
    [false, false],
    [false, false],
    [true, true],
  ])
  await client.post('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"größer 🎈"}}')
  const cancelled = { id: 'größer 🎈', error: { data: { code: 'rpc.cancelled' } } }
  expect(await (await word).json()).toMatchObject(cancelled)
  for (const call of held) call.finish()
  expect(await (await number).json()).toMatchObject({ id: 1, result: { ok: true } })
  expect(door.door.inFlight()).toBe(0)
})

test('[mcp.http] a request of a server reaches the client on the stream of its call, and the answer comes back', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route })
  door.stores.settings.set('limits.client_in_flight', 1)
  const client = await connect(door)
  const pending = client.post(callBody(1))
  await until(() => held.length === 1)
  const answer = held[0]?.exchange.ask('sampling/createMessage', bytes('{"n":1.0}'))
  const stream = readEvents(await pending)
  await until(() => stream.messages().length === 1)
  expect(stream.text()).toContain('"params":{"n":1.0}')
  const [request] = stream.messages()

  // While it waits for a person, the call takes no place.
  const meanwhile = client.post(callBody(2))
  await until(() => held.length === 2)
  held[1]?.finish()
  expect((await meanwhile).status).toBe(200)

  const reply = `{"jsonrpc":"2.0","id":${JSON.stringify(request?.id)},"result":{"big":9007199254740993}}`
  expect((await client.post(reply)).status).toBe(202)
  expect(new TextDecoder().decode(await answer)).toBe(reply)
  expect((await client.post('{"jsonrpc":"2.0","id":999,"result":{}}')).status).toBe(202)
  held[0]?.finish()
  await stream.finished
  expect(door.door.inFlight()).toBe(0)
})

test('[mcp.cancellation] what a call still asks ends with it, and the client is told', async () => {
  const { held, route } = holding()
  await using door = await startDoor({ route })
  const client = await connect(door)
  const pending = client.post(callBody(1))
  await until(() => held.length === 1)
  const asked = held[0]?.exchange
    .ask('elicitation/create', bytes('{}'))
    .catch((error: Error) => error.message)
  const stream = readEvents(await pending)
  held[0]?.finish()
  expect(await asked).toBe('request was cancelled')
  await stream.finished
  expect(stream.messages().map(({ method }) => method ?? 'answer')).toEqual([
    'elicitation/create',
    'notifications/cancelled',
    'answer',
  ])
  expect(door.door.inFlight()).toBe(0)
})

test('[mcp.http] the newest listener takes over, and what was missed is told once', async () => {
  let version = 1
  const feature = { serverId: 's', kind: 'tool' as const, name: 'x', descriptor: '{}', position: 0 }
  const viewOf = (version: number) => {
    const entry = { exposedName: `tool${version}`, alias: 'a', descriptor: bytes('{}'), feature }
    return { ...emptyView('space', version), list: (kind: FeatureKind) => (kind === 'tool' ? [entry] : []) }
  }
  let current = viewOf(version)
  await using door = await startDoor({ view: () => current })
  const client = await connect(door)
  const change = () => {
    version += 1
    current = viewOf(version)
    door.events.emit('policy.changed', { spaceId: null, clientId: null })
  }
  change()
  await until(() => [...door.sessions.list()].every((session) => session.told?.version === version))
  change()
  await until(() => [...door.sessions.list()].every((session) => session.told?.version === version))

  const first = readEvents(await client.listen())
  await until(() => first.messages().length > 0)
  expect(first.messages().every(({ method }) => String(method).endsWith('list_changed'))).toBe(true)
  const before = first.messages().length
  const second = readEvents(await client.listen())
  await first.finished
  for (let i = 0; i < 5; i += 1) change()
  await until(() => second.messages().length > 0)
  await Bun.sleep(200)
  expect(second.messages().filter(({ method }) => method === 'notifications/tools/list_changed').length).toBe(
    1,
  )
  expect(first.messages().length).toBe(before)
})

test('[mcp.cancellation] a client without a session that leaves at once, or later, ends its call', async () => {
  const { held, route } = holding()
  // No beat, so that nothing is noticed by a heartbeat that cannot be written.
  await using door = await startDoor({ route, beatMs: 600_000 })
  const { text: key } = door.keyFor('modern')
  const leave = async (after: number) => {
    const before = held.length
    const gone = new AbortController()
    const pending = modernFetch(door.url, key, {
      method: 'tools/list',
      signal: gone.signal,
    }).catch((error: Error) => error.name)
    await until(() => held.length > before)
    await Bun.sleep(after)
    expect(held.at(-1)?.exchange.cancelled).toBe(false)
    gone.abort()
    expect(await pending).toBe('AbortError')
    await until(() => held.at(-1)?.exchange.cancelled === true)
  }
  for (const after of [0, 0, 0, 100]) await leave(after)
})
