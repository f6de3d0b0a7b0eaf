import { expect, test } from 'bun:test'
import { changes } from '../../gateway/admin/events'
import { plainServer, tempAdmin } from '../support/admin'

test('[admin] a refusal names the field and never repeats what was submitted', async () => {
  using admin = tempAdmin()
  const canary = 'CANARY-8c1f'
  const bodies: [string, string, unknown][] = [
    ['POST', '/spaces', { name: [canary] }],
    ['POST', '/spaces', { name: 'x', [canary + ' field']: canary }],
    [
      'POST',
      '/servers',
      { ...plainServer('x'), inputs: [{ id: 'A', secret: true, value: { deep: canary } }] },
    ],
    ['POST', '/keys', { client: canary.repeat(50) }],
    ['PUT', '/settings/port', { value: { canary } }],
    ['POST', '/spaces', `{"name": "${canary}`],
    ['GET', `/servers?${canary}=1`, undefined],
  ]
  for (const [method, path, body] of bodies) {
    const { status, text } = await admin.raw(method, path, body)
    expect([400, 422]).toContain(status)
    expect(text).not.toContain(canary)
    expect(Object.keys(JSON.parse(text))).toEqual(['code', 'message'])
  }
  const { text } = await admin.raw('POST', '/spaces', { name: 7 })
  expect(JSON.parse(text).message).toContain('"name"')
})

test('[admin] only JSON changes anything', async () => {
  using admin = tempAdmin()
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
  ]) {
    const { status } = await admin.raw('POST', '/spaces', '{"name":"Work"}', type)
    expect(status).toBe(415)
  }
  expect(admin.stores.spaces.list().length).toBe(1)
})

test('[admin] an address nobody serves is a problem document', async () => {
  using admin = tempAdmin()
  const { status, text } = await admin.raw('GET', '/nowhere')
  expect([status, JSON.parse(text).code]).toEqual([404, 'http.not_found'])
})

test('[admin] what breaks inside is "internal" outside, with its cause kept for the log', async () => {
  using admin = tempAdmin()
  admin.stores.db.close()
  const { status, text } = await admin.raw('GET', '/spaces')
  expect(status).toBe(500)
  expect(text).not.toMatch(/at .*:\d+|SELECT|\/tmp|node_modules/)
})

test('[config] settings are read, changed within their bounds, and reset', async () => {
  using admin = tempAdmin()
  const port = admin.api.settings({ id: 'port' })
  expect((await port.put({ value: 9400 })).data).toMatchObject({
    key: 'port',
    value: 9400,
    isDefault: false,
    default: 9315,
  })
  expect(admin.emitted).toEqual(['settings.changed'])
  expect((await port.put({ value: 70_000 })).error?.value).toMatchObject({ code: 'setting.invalid' })
  expect((await port.put({ value: 'x' })).error?.value).toMatchObject({ code: 'setting.invalid' })
  expect((await admin.api.settings({ id: 'nope' }).put({ value: 1 })).error?.value).toMatchObject({
    code: 'setting.unknown',
  })
  expect((await port.delete({})).data?.value).toBe(9315)
})

test('[faults] [admin] the status names stored rows that cannot be read, and goes on without them', async () => {
  using admin = tempAdmin()
  const spaceId = admin.stores.spaces.active().id
  const { data: server } = await admin.api.servers.post(plainServer(spaceId))
  expect((await admin.api.status.get()).data?.unreadable).toEqual([])
  admin.stores.db.statement("UPDATE servers SET definition = '{'").run()
  const { data: status } = await admin.api.status.get()
  expect(status?.servers).toEqual([])
  expect(status?.unreadable).toMatchObject([{ table: 'servers', id: server?.id }])
})

test('[admin] the event stream is a snapshot, then what changed', async () => {
  using admin = tempAdmin()
  const stop = new AbortController()
  const stream = changes(admin.deps, stop.signal)
  const first = (await stream.next()).value
  expect(first?.event).toBe('snapshot')
  const { data: server } = await admin.api.servers.post(plainServer(admin.stores.spaces.active().id))
  const added = (await stream.next()).value
  expect(added).toMatchObject({ event: 'server', data: { id: server?.id, server: { name: 'Files' } } })
  await admin.api.servers({ id: server?.id ?? '' }).delete({})
  expect((await stream.next()).value).toEqual({
    event: 'server',
    data: { id: server?.id ?? '', server: null },
  })
  const waiting = stream.next()
  stop.abort()
  expect((await waiting).done).toBe(true)
})

test('[admin] a reader that fell behind gets a new snapshot instead of everything it missed', async () => {
  using admin = tempAdmin()
  const stop = new AbortController()
  const stream = changes(admin.deps, stop.signal)
  await stream.next()
  const spaceId = admin.stores.spaces.active().id
  for (let n = 0; n < 1000; n += 1) admin.deps.events.emit('server.changed', { spaceId, serverId: `s${n}` })
  const { data } = await admin.api.servers.post(plainServer(spaceId))
  const next = (await stream.next()).value
  expect(next).toMatchObject({ event: 'snapshot', data: { servers: [{ id: data?.id }] } })
  stop.abort()
  expect((await stream.next()).done).toBe(true)
})

test('[admin] the stream reaches a typed client as server-sent events', async () => {
  using admin = tempAdmin()
  const stop = new AbortController()
  const { data } = await admin.api.events.get({ fetch: { signal: stop.signal } })
  if (!data) throw new Error('no stream')
  const seen: string[] = []
  for await (const message of data) {
    seen.push(message.event)
    if (seen.length === 1) admin.deps.events.emit('settings.changed', { key: 'port' })
    else {
      stop.abort()
      break
    }
  }
  expect(seen).toEqual(['snapshot', 'settings'])
})

test('[admin] quit answers with the process that stops', async () => {
  using admin = tempAdmin()
  expect((await admin.api.quit.post({})).data).toEqual({ stopping: process.pid })
  expect(admin.quits).toEqual([1])
})
