import { expect, test } from 'bun:test'
import { callBody, openSession, sessionHeaders, startDoor, until } from '../support/door'
import { notificationMessage } from '../../gateway/wire/messages'
import { readEvents } from '../support/sse-reader'
import { tempFolder } from '../support/temp-store'

const post = (url: string, headers: Record<string, string>, body = callBody(1)) =>
  fetch(url, { method: 'POST', headers, body })

test('[threat.12] the session of another client is as unknown as one that never was', async () => {
  await using door = await startDoor()
  const a = door.keyFor('a')
  const b = door.keyFor('b')
  const session = await openSession(door.url, a.text)
  await openSession(door.url, b.text)
  const mine = sessionHeaders(a.text, session)
  const stream = readEvents(await fetch(door.url, { headers: mine }))
  await until(() => stream.events.length > 0)
  const eventId = stream.events[0]?.id ?? ''

  const answers = async (id: string) => {
    const headers = sessionHeaders(b.text, id)
    const replies = [
      await post(door.url, headers),
      await post(door.url, headers, callBody(1, 'ping')),
      await post(
        door.url,
        headers,
        '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
      ),
      await post(door.url, headers, '{"jsonrpc":"2.0","id":1,"result":{}}'),
      await fetch(door.url, { headers }),
      await fetch(door.url, { headers: { ...headers, 'Last-Event-ID': eventId } }),
      await fetch(door.url, { method: 'DELETE', headers }),
    ]
    return Promise.all(
      replies.map(async (reply) => [reply.status, (await reply.text()).replace(/"id":(1|null)/, '')]),
    )
  }
  const stolen = await answers(session)
  expect(stolen).toEqual(await answers('A'.repeat(43)))
  expect(stolen.every(([status]) => status === 404)).toBe(true)

  expect(stream.ended()).toBe(false)
  for (const live of door.sessions.list()) live.tell(notificationMessage('notifications/x'), null)
  await until(() => stream.messages().length === 1)
  expect((await post(door.url, mine)).status).toBe(200)
})

test('[threat.12] after a restart a session still belongs to its own client alone', async () => {
  using folder = tempFolder()
  const file = `${folder.path}/mcpmux.db`
  let [a, b, session] = ['', '', '']
  {
    await using before = await startDoor({ file })
    a = before.keyFor('a').text
    b = before.keyFor('b').text
    session = await openSession(before.url, a)
  }
  await using after = await startDoor({ file })
  const stolen = sessionHeaders(b, session)
  expect((await post(after.url, stolen)).status).toBe(404)
  expect((await fetch(after.url, { headers: stolen })).status).toBe(404)
  expect((await fetch(after.url, { method: 'DELETE', headers: stolen })).status).toBe(404)
  expect([...after.sessions.list()]).toEqual([])
  expect((await post(after.url, sessionHeaders(a, session))).status).toBe(200)
  expect((await post(after.url, stolen)).status).toBe(404)
})

test('[threat.12] a session id alone proves nothing, and odd ones are unknown', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('a')
  const session = await openSession(door.url, key)
  const { Authorization: _, ...bare } = sessionHeaders(key, session)
  expect((await post(door.url, bare)).status).toBe(401)
  const [stored] = [...door.sessions.list()].map(({ facts }) => facts.label)
  const odd = [
    stored ?? '',
    `${session}, ${session}`,
    session.toLowerCase() + 'x',
    ` ${session}x`,
    '../../x',
    "' OR 1=1 --",
    'a'.repeat(4000),
    '0',
    '%00',
  ]
  for (const id of odd)
    expect([id, (await post(door.url, sessionHeaders(key, id))).status]).toEqual([id, 404])
})

test('[threat.12] a session id is random, visible ASCII and not too long for a header', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('a')
  const ids = new Set<string>()
  for (let i = 0; i < 50; i += 1) ids.add(await openSession(door.url, key))
  expect(ids.size).toBe(50)
  for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{1,512}$/)
})
