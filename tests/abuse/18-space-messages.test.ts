import { expect, test } from 'bun:test'
import { notificationMessage } from '../../gateway/wire/messages'
import { scanMessage } from '../../gateway/wire/scan'
import { emptyView, openSession, sessionHeaders, startDoor, until } from '../support/door'
import { readEvents } from '../support/sse-reader'

test('[threat.18] a session hears nothing of a server that its client may not see any more', async () => {
  let visible = 'server'
  await using door = await startDoor({
    view: (_client, spaceId) => ({
      ...emptyView(spaceId),
      servers: () => [{ serverId: visible, alias: visible, instructions: null, capabilities: '{}' }],
    }),
  })
  const { text: key } = door.keyFor('one')
  const id = await openSession(door.url, key)
  const [session] = [...door.sessions.list()]
  const label = session?.facts.label ?? ''
  const stream = readEvents(await fetch(door.url, { headers: sessionHeaders(key, id) }))
  await until(() => stream.text() !== '')
  const say = (serverId: string, canary: string) => {
    const params = { level: 'error', data: canary }
    door.announce.log(serverId, label, scanMessage(notificationMessage('notifications/message', params)))
    door.announce.forward(serverId, label, scanMessage(notificationMessage('notifications/acme', params)))
  }
  say('server', 'before')
  // The client works in another Space now, where another server is.
  visible = 'other'
  say('server', 'canary')
  say('other', 'after')
  await until(() => stream.messages().length === 4)
  expect(stream.messages().map(({ params }) => (params as { data: string }).data)).toEqual([
    'before',
    'before',
    'after',
    'after',
  ])
})
