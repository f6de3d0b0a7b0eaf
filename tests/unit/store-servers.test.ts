import { expect, test } from 'bun:test'
import type { Definition } from '../../gateway/domain/server'
import { manualClock, openStores, stdioDefinition, tempStores } from '../support/temp-store'

const draft = { name: 'Files', alias: 'files', definition: stdioDefinition(), source: 'cli' }

test('[data] a server comes back as it was stored, whatever its definition says', () => {
  using stores = tempStores()
  const spaceId = stores.spaces.active().id
  const definitions: Definition[] = [
    stdioDefinition({ args: ['', ' a\n', '"\\', '☃\u0000'], env: { B: '', A: '${input:A}' }, cwd: '/srv' }),
    { type: 'http', url: 'https://example.com/mcp', headers: { Authorization: '${input:Authorization}' } },
    { type: 'sse', url: 'https://example.com/sse', headers: {} },
  ]
  const made = definitions.map((definition, i) =>
    stores.servers.create({ ...draft, spaceId, name: `n${i}`, alias: `a${i}`, definition }),
  )
  expect(made.map((server) => server.definition)).toEqual(definitions)
  stores.db.close()
  using again = openStores(stores.file)
  expect(again.servers.list(spaceId)).toEqual(made)
  expect(made[0]).toMatchObject({ enabled: true, keepRunning: false, position: 0, source: 'cli', spaceId })
})

test('[space.isolation] names and aliases are unique within a Space only', () => {
  using stores = tempStores()
  const { spaces, servers } = stores
  const first = spaces.active().id
  const second = spaces.create({ name: 'Second' }).id
  servers.create({ ...draft, spaceId: first })
  servers.create({ ...draft, spaceId: second })
  const create = (patch: Partial<typeof draft>) => () =>
    servers.create({ ...draft, ...patch, spaceId: first })
  expect(create({ alias: 'other' })).toThrow(expect.objectContaining({ code: 'server.exists' }))
  expect(create({ name: 'FILES', alias: 'other' })).toThrow(
    expect.objectContaining({ code: 'server.exists' }),
  )
  expect(create({ name: 'Other' })).toThrow(expect.objectContaining({ code: 'server.exists' }))
  expect(create({ name: ' ', alias: 'x' })).toThrow(expect.objectContaining({ code: 'input.invalid' }))
  for (const alias of ['a_b', 'A', 'ä', 'a'.repeat(21)])
    expect(create({ name: 'Other', alias })).toThrow(expect.objectContaining({ code: 'input.invalid' }))
  expect(() => servers.create({ ...draft, spaceId: 'nowhere' })).toThrow(
    expect.objectContaining({ code: 'space.unknown' }),
  )
  expect(servers.list(first)).toHaveLength(1)
  expect(servers.list()).toHaveLength(2)
})

test('[names] two servers of a Space may go without a prefix', () => {
  using stores = tempStores()
  const { spaces, servers } = stores
  const spaceId = spaces.active().id
  servers.create({ ...draft, spaceId, name: 'One', alias: '' })
  servers.create({ ...draft, spaceId, name: 'Two', alias: '' })
  expect(servers.list(spaceId).map(({ name }) => name)).toEqual(['One', 'Two'])
})

test('[data] an update changes what it names and nothing else', () => {
  const clock = manualClock()
  using stores = tempStores(clock)
  const { spaces, servers } = stores
  const inputs = [{ id: 'LEVEL', secret: false, value: 'high' }]
  const before = servers.create({ ...draft, spaceId: spaces.active().id, inputs })
  clock.advance(5)
  const patch = { enabled: false, name: undefined, inputs: undefined }
  expect(servers.update(before.id, patch)).toEqual({
    ...before,
    enabled: false,
    updatedAt: before.updatedAt + 5,
  })
  const after = servers.update(before.id, { inputs: [{ id: 'X', secret: true, value: null }], alias: 'f' })
  expect(after).toMatchObject({ alias: 'f', inputs: [{ id: 'X', secret: true, value: null }] })
  expect(() => servers.update('nothing', {})).toThrow(expect.objectContaining({ code: 'server.unknown' }))
})

test('[threat.53] a secret value is refused, and the refused server is not half there', () => {
  using stores = tempStores()
  const { spaces, servers } = stores
  const spaceId = spaces.active().id
  const inputs = [{ id: 'TOKEN', secret: true, value: 'hunter2' }]
  expect(() => servers.create({ ...draft, spaceId, inputs })).toThrow(
    expect.objectContaining({ code: 'input.invalid', message: expect.not.stringContaining('hunter2') }),
  )
  const twice = [
    { id: 'A', secret: false, value: '1' },
    { id: 'A', secret: false, value: '2' },
  ]
  expect(() => servers.create({ ...draft, spaceId, inputs: twice })).toThrow(
    expect.objectContaining({ code: 'input.invalid' }),
  )
  expect(servers.list()).toEqual([])
})

test('[faults] a server whose row is damaged is left out and named; the others go on', () => {
  using stores = tempStores()
  const { spaces, servers, db } = stores
  const spaceId = spaces.active().id
  const damaged = [
    '{',
    'null',
    '[]',
    '{"type":"stdio","command":1}',
    '{"type":"http","url":"u","headers":{"a":1}}',
  ]
  const broken = damaged.map((text, i) => {
    const { id } = servers.create({ ...draft, spaceId, name: `n${i}`, alias: `n${i}` })
    db.statement('UPDATE servers SET definition = $text WHERE id = $id').run({ id, text })
    return id
  })
  const good = servers.create({ ...draft, spaceId })
  expect(servers.list(spaceId)).toEqual([good])
  expect(db.problems().map(({ table, id }) => ({ table, id }))).toEqual(
    broken.map((id) => ({ table: 'servers', id })),
  )
  expect(() => servers.get(broken[0] ?? '')).toThrow(expect.objectContaining({ code: 'server.unknown' }))
  servers.remove(broken[0] ?? '')
  expect(servers.list(spaceId)).toEqual([good])
})

test('[sets] rules of a removed server stay, say so, and are not about another server of its name', () => {
  using stores = tempStores()
  const { spaces, servers, sets, db } = stores
  const { id: spaceId } = spaces.create({ name: 'Elsewhere' })
  const { id: serverId } = servers.create({ ...draft, spaceId })
  const named = { type: 'feature', serverId, kind: 'tool', name: 'delete' } as const
  const set = sets.create(spaceId, 'Careful', [
    { mode: 'include', target: { type: 'all' } },
    { mode: 'include', target: { type: 'server', serverId } },
    { mode: 'exclude', target: named },
  ])
  servers.remove(serverId)
  const gone = { type: 'gone', alias: 'files', server: 'Files' } as const
  const after = [
    { mode: 'include', target: { type: 'all' } },
    { mode: 'include', target: { ...gone, feature: null } },
    { mode: 'exclude', target: { ...gone, feature: { kind: 'tool', name: 'delete' } } },
  ]
  expect(sets.get(set.id).members).toEqual(after as never)
  expect(() => servers.remove(serverId)).toThrow(expect.objectContaining({ code: 'server.unknown' }))
  servers.create({ ...draft, spaceId })
  expect(sets.get(set.id).members).toEqual(after as never)
  // A Space goes with its servers and the rules that outlived some of them.
  spaces.remove(spaceId)
  expect(db.statement('SELECT * FROM set_members').all()).toEqual([])
  expect(db.statement('PRAGMA foreign_key_check').all()).toEqual([])
})

test('[space.isolation] credentials stay with their server and its Space, and go with it', () => {
  using stores = tempStores()
  const { spaces, servers, credentials } = stores
  const spaceId = spaces.active().id
  const elsewhere = spaces.create({ name: 'Elsewhere' }).id
  const { id: serverId } = servers.create({ ...draft, spaceId })
  const envelope = new Uint8Array([0, 255, 7])
  const credential = { serverId, spaceId, name: 'TOKEN', keyId: 'k1', envelope }
  expect(() => credentials.put({ ...credential, spaceId: elsewhere })).toThrow(
    expect.objectContaining({ code: 'server.unknown' }),
  )
  credentials.put(credential)
  credentials.put({ ...credential, keyId: 'k2' })
  expect(credentials.list(serverId)).toMatchObject([{ ...credential, keyId: 'k2' }])
  expect(credentials.get(serverId, 'TOKEN')?.envelope).toEqual(envelope)
  credentials.remove(serverId, 'TOKEN')
  expect(credentials.get(serverId, 'TOKEN')).toBeNull()
  credentials.put(credential)
  servers.remove(serverId)
  expect(credentials.list(serverId)).toEqual([])
})
