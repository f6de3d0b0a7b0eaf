import { expect, test } from 'bun:test'
import { openStores, stdioDefinition, tempStores } from '../support/temp-store'

test('[space.isolation] a first run has one active Space "Default" whose default set includes all', () => {
  using stores = tempStores()
  const [space, ...others] = stores.spaces.list()
  expect(others).toEqual([])
  expect(space?.name).toBe('Default')
  expect(stores.spaces.active()).toEqual(stores.spaces.get(space?.id ?? ''))
  const sets = stores.sets.list(space?.id ?? '')
  expect(sets.map(({ name }) => name)).toEqual(['All', 'Read only', 'No destructive', 'Lean'])
  const all = { id: space?.defaultSetId, members: [{ mode: 'include', target: { type: 'all' } }] }
  expect(sets[0]).toMatchObject(all)
})

test('[data] opening again makes no second first Space', () => {
  using stores = tempStores()
  const before = stores.spaces.list()
  stores.db.close()
  using again = openStores(stores.file)
  expect(again.spaces.list()).toEqual(before)
})

test('[space.switch] the Space in use is remembered, and there is exactly one', () => {
  using stores = tempStores()
  const work = stores.spaces.create({ name: 'Work' })
  stores.spaces.use(work.id)
  stores.db.close()
  using again = openStores(stores.file)
  expect(again.spaces.active()).toEqual(work)
  expect(() => again.spaces.use('nowhere')).toThrow(expect.objectContaining({ code: 'space.unknown' }))
  expect(again.spaces.active()).toEqual(work)
})

test('[space.isolation] Spaces are found by id and by name in any case; names are unique and not empty', () => {
  using stores = tempStores()
  const { spaces } = stores
  const work = spaces.create({ name: ' Work ', icon: 'briefcase' })
  expect(spaces.find('work')).toEqual(work)
  expect(spaces.find(work.id)).toEqual(work)
  expect(work.icon).toBe('briefcase')
  expect(() => spaces.find('nothing')).toThrow(expect.objectContaining({ code: 'space.unknown' }))
  expect(() => spaces.create({ name: 'WORK' })).toThrow(expect.objectContaining({ code: 'space.exists' }))
  expect(() => spaces.create({ name: '  ' })).toThrow(expect.objectContaining({ code: 'input.invalid' }))
  const other = spaces.create({ name: 'Other' })
  expect(() => spaces.update(other.id, { name: 'work' })).toThrow(
    expect.objectContaining({ code: 'space.exists' }),
  )
  expect(spaces.update(other.id, { name: 'OTHER', icon: 'x' })).toMatchObject({
    name: 'OTHER',
    icon: 'x',
  })
  spaces.move(other.id, 0)
  expect(spaces.list().map(({ name, position }) => [name, position])[0]).toEqual(['OTHER', 0])
  spaces.move(other.id, 99)
  expect(spaces.list().at(-1)?.name).toBe('OTHER')
  expect(() => spaces.update(other.id, { defaultSetId: work.defaultSetId })).toThrow(
    expect.objectContaining({ code: 'set.unknown' }),
  )
})

test('[space.isolation] the active Space and so the only one cannot be removed', () => {
  using stores = tempStores()
  const { spaces } = stores
  expect(() => spaces.remove(spaces.active().id)).toThrow(expect.objectContaining({ code: 'space.in_use' }))
  expect(() => spaces.remove('nowhere')).toThrow(expect.objectContaining({ code: 'space.unknown' }))
  expect(spaces.list()).toHaveLength(1)
})

test('[space.isolation] removing a Space leaves nothing of it behind, and nothing else goes', () => {
  using stores = tempStores()
  const { spaces, servers, catalog, sets, clients, consents, credentials, db } = stores
  const fill = (spaceId: string, name: string) => {
    const server = servers.create({
      spaceId,
      name,
      alias: 'files',
      definition: stdioDefinition(),
      inputs: [{ id: 'TOKEN', secret: true, value: null }],
      source: 'cli',
    })
    catalog.replace(server.id, 'tool', [
      { serverId: server.id, kind: 'tool', name: 'read', descriptor: '{"name":"read"}', position: 0 },
    ])
    catalog.setHandshake(server.id, {
      protocolVersion: '2025-11-25',
      capabilities: '{}',
      serverInfo: '{}',
      instructions: null,
      refreshedAt: 1,
    })
    const inner = sets.create(spaceId, 'Inner', [
      { mode: 'include', target: { type: 'server', serverId: server.id } },
    ])
    sets.create(spaceId, 'Outer', [{ mode: 'include', target: { type: 'set', setId: inner.id } }])
    const client = clients.create({ name: `client of ${name}`, spaceId })
    clients.grant({ clientId: client.id, spaceId, setId: inner.id })
    consents.put(server.id, 'seal', 'cli')
    credentials.put({
      serverId: server.id,
      spaceId,
      name: 'TOKEN',
      keyId: 'k',
      envelope: new Uint8Array([1]),
    })
    return client
  }
  const tables = db.statement<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const count = () =>
    Object.fromEntries(
      tables.map(({ name }) => [
        name,
        db.statement<{ n: number }>(`SELECT count(*) AS n FROM ${name}`).get()?.n,
      ]),
    )
  fill(spaces.active().id, 'stays')
  const before = count()
  const gone = spaces.create({ name: 'Gone' })
  const client = fill(gone.id, 'goes')
  spaces.remove(gone.id)
  expect(clients.get(client.id).spaceId).toBeNull()
  clients.remove(client.id)
  expect(count()).toEqual(before)
})
