import { expect, test } from 'bun:test'
import type { Route } from '../../gateway/mcp/route'
import { scanMessage } from '../../gateway/wire/scan'
import { notificationMessage } from '../../gateway/wire/messages'
import {
  callBody,
  emptyView,
  openSession,
  sessionHeaders,
  startDoor,
  type TestDoor,
  until,
} from '../support/door'
import { readEvents } from '../support/sse-reader'
import { manualClock, tempFolder } from '../support/temp-store'

const post = (door: TestDoor, key: string, session: string, body = callBody(1)) =>
  fetch(door.url, { method: 'POST', headers: sessionHeaders(key, session), body })
const level = (name: string) => callBody(1, 'logging/setLevel', `{"level":"${name}"}`)
const only = (door: TestDoor) => {
  const [session] = door.sessions.list()
  if (!session) throw new Error('no session in memory')
  return session
}

test('[mcp.lifecycle] a session goes on after a restart of the gateway, with its level', async () => {
  using folder = tempFolder()
  const file = `${folder.path}/mcpmux.db`
  let key = ''
  let id = ''
  {
    await using before = await startDoor({ file })
    key = before.keyFor('one').text
    id = await openSession(before.url, key, '2025-06-18')
    expect((await post(before, key, id, level('warning'))).status).toBe(200)
  }
  await using after = await startDoor({ file })
  expect([...after.sessions.list()]).toEqual([])
  const stream = readEvents(await post(after, key, id))
  await stream.finished
  const session = only(after)
  expect([session.facts.protocolVersion, session.logLevel]).toEqual(['2025-06-18', 'warning'])
  expect(session.facts.clientInfo).toContain('"name"')
  expect(after.levels).toEqual(['warning'])
  // It does not listen yet, so it is told on the stream of its call.
  expect(stream.messages().map(({ method }) => method)).toEqual([
    'notifications/tools/list_changed',
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
    undefined,
  ])
})

test('[mcp.back-channel] what a client answers to a question from before a restart answers no other question', async () => {
  using folder = tempFolder()
  const file = `${folder.path}/mcpmux.db`
  const asked: Promise<Uint8Array>[] = []
  const route: Route = (_view, _message, exchange) => {
    const answer = exchange.ask('elicitation/create', new TextEncoder().encode('{}'))
    asked.push(answer)
    return answer
  }
  const questionOn = async (response: Response): Promise<unknown> => {
    const stream = readEvents(response)
    const question = () => stream.messages().find(({ method }) => method === 'elicitation/create')
    await until(() => question() !== undefined)
    return question()?.id
  }
  let key = ''
  let id = ''
  let earlier: unknown
  {
    await using before = await startDoor({ file, route })
    key = before.keyFor('one').text
    id = await openSession(before.url, key)
    earlier = await questionOn(await post(before, key, id))
    asked[0]?.catch(() => undefined)
  }
  await using after = await startDoor({ file, route })
  const later = await questionOn(await post(after, key, id))
  const answer = (to: unknown, text: string) =>
    post(after, key, id, `{"jsonrpc":"2.0","id":${JSON.stringify(to)},"result":{"said":"${text}"}}`)
  expect((await answer(earlier, 'to the first')).status).toBe(202)
  expect((await answer(later, 'to the second')).status).toBe(202)
  expect(new TextDecoder().decode(await asked[1])).toContain('to the second')
})

test('[limits] a quiet session leaves memory and comes back when it is used; after thirty days it is gone', async () => {
  const clock = manualClock(Date.now())
  await using door = await startDoor({ runtime: clock, beatMs: 5 })
  const { text: key } = door.keyFor('one')
  const id = await openSession(door.url, key)
  const { label } = only(door).facts
  clock.advance(30 * 60_000 - 1000)
  await Bun.sleep(50)
  expect([...door.sessions.list()].length).toBe(1)
  clock.advance(2000)
  await until(() => [...door.sessions.list()].length === 0)
  expect(door.released).toEqual([label])
  expect((await post(door, key, id)).status).toBe(200)
  expect(only(door).facts.label).toBe(label)

  const stream = readEvents(await fetch(door.url, { headers: sessionHeaders(key, id) }))
  await until(() => stream.text() !== '')
  clock.advance(60 * 60_000)
  await Bun.sleep(50)
  expect([...door.sessions.list()].length).toBe(1)

  door.sessions.close()
  clock.advance(30 * 86_400_000 + 1)
  expect((await post(door, key, id)).status).toBe(404)
})

test('[limits] over the limit the longest unused session of that client rests, and no other client notices', async () => {
  await using door = await startDoor()
  door.stores.settings.set('limits.sessions_per_client', 3)
  const one = door.keyFor('one')
  const two = door.keyFor('two')
  const other = await openSession(door.url, two.text)
  const ids: string[] = []
  for (let i = 0; i < 3; i += 1) {
    ids.push(await openSession(door.url, one.text))
    await Bun.sleep(5)
  }
  const listening = readEvents(await fetch(door.url, { headers: sessionHeaders(one.text, ids[0] ?? '') }))
  await until(() => listening.text() !== '')
  ids.push(await openSession(door.url, one.text))
  const live = () => [...door.sessions.list()].map(({ facts }) => facts.id)
  expect(live().sort()).toEqual([other, ids[0], ids[2], ids[3]].map(String).sort())
  expect(listening.ended()).toBe(false)
  expect((await post(door, one.text, ids[1] ?? '')).status).toBe(200)
  expect(live().length).toBe(4)
})

test('[mcp.logging] servers are told the lowest level anybody wants, and when nobody does any more', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const a = await openSession(door.url, key)
  const b = await openSession(door.url, key)
  await post(door, key, a, level('error'))
  await post(door, key, b, level('debug'))
  await fetch(door.url, { method: 'DELETE', headers: sessionHeaders(key, b) })
  await fetch(door.url, { method: 'DELETE', headers: sessionHeaders(key, a) })
  expect(door.levels).toEqual(['error', 'debug', 'error', null])
})

test('[mcp.logging] a log message outside a call reaches its session when it is severe enough', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const id = await openSession(door.url, key)
  const other = await openSession(door.url, key)
  const session = [...door.sessions.list()].find(({ facts }) => facts.id === id)
  const stream = readEvents(await fetch(door.url, { headers: sessionHeaders(key, id) }))
  const silent = readEvents(await fetch(door.url, { headers: sessionHeaders(key, other) }))
  await until(() => stream.text() !== '' && silent.text() !== '')
  const log = (name: string) =>
    door.announce.log(
      'server',
      session?.facts.label ?? '',
      scanMessage(notificationMessage('notifications/message', { level: name, data: 1 })),
    )
  log('debug')
  await post(door, key, id, level('error'))
  for (const name of ['debug', 'warning', 'error', 'emergency', 'nonsense']) log(name)
  await until(() => stream.messages().length === 3)
  expect(stream.messages().map(({ params }) => (params as { level: string }).level)).toEqual([
    'debug',
    'error',
    'emergency',
  ])
  expect(silent.messages()).toEqual([])
})

test('[mcp.resources] updates come under the exposed URI, to subscribers who may see it, also when they listen later', async () => {
  let visible = true
  await using door = await startDoor({
    view: (_client, spaceId) => ({
      ...emptyView(spaceId),
      exposedUri: (_server, uri) => (visible ? `wrapped+${uri}` : null),
    }),
  })
  const { text: key } = door.keyFor('one')
  const id = await openSession(door.url, key)
  const { label } = only(door).facts
  const updated = (uri: string) =>
    door.announce.resourceUpdated(
      'server',
      uri,
      [label, 'nobody'],
      scanMessage(
        new TextEncoder().encode(
          `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"n":1.0,"uri":"${uri}"}}`,
        ),
      ),
    )
  for (let i = 0; i < 5; i += 1) updated('a:1')
  updated('a:2')
  visible = false
  updated('a:3')
  const stream = readEvents(await fetch(door.url, { headers: sessionHeaders(key, id) }))
  await until(() => stream.messages().length === 2)
  expect(stream.text()).toContain('{"n":1.0,"uri":"wrapped+a:2"}')
  expect(stream.messages().map(({ params }) => (params as { uri: string }).uri)).toEqual([
    'wrapped+a:1',
    'wrapped+a:2',
  ])
  door.announce.forward('server', label, scanMessage(notificationMessage('notifications/acme')))
  await until(() => stream.messages().length === 3)
})

test('[mcp.lifecycle] the end of a session cancels its calls and closes its streams', async () => {
  let aborted = false
  await using door = await startDoor({
    route: (_view, _message, exchange) =>
      new Promise(() => {
        exchange.signal.addEventListener('abort', () => (aborted = true))
      }),
  })
  const { text: key } = door.keyFor('one')
  const id = await openSession(door.url, key)
  const stream = readEvents(await fetch(door.url, { headers: sessionHeaders(key, id) }))
  const call = post(door, key, id)
  await until(() => door.seen.length === 1 && stream.text() !== '')
  await fetch(door.url, { method: 'DELETE', headers: sessionHeaders(key, id) })
  expect((await call).status).toBe(404)
  await stream.finished
  expect([aborted, door.door.inFlight()]).toEqual([true, 0])
})

test('[limits] a client that opens sessions without end keeps the newest few, and takes none from others', async () => {
  await using door = await startDoor()
  door.stores.settings.set('limits.sessions_per_client', 2)
  const one = door.keyFor('one')
  const two = door.keyFor('two')
  const other = await openSession(door.url, two.text)
  const ids: string[] = []
  for (let i = 0; i < 14; i += 1) {
    ids.push(await openSession(door.url, one.text))
    await Bun.sleep(2)
  }
  const statuses: number[] = []
  for (const id of ids) statuses.push((await post(door, one.text, id)).status)
  expect(statuses.filter((status) => status === 404).length).toBe(4)
  expect(statuses.slice(4)).toEqual(Array(10).fill(200))
  expect((await post(door, two.text, other)).status).toBe(200)
})
