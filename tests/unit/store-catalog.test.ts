import { expect, test } from 'bun:test'
import type { Feature, FeatureKind, Handshake } from '../../gateway/domain/feature'
import { manualClock, openStores, stdioDefinition, tempStores } from '../support/temp-store'

const handshake: Handshake = {
  protocolVersion: '2025-11-25',
  capabilities: '{"tools":{}}',
  serverInfo: '{"name":"x","version":"1"}',
  instructions: 'be kind',
  refreshedAt: 7,
}

function withServer() {
  const stores = tempStores(manualClock(7))
  const spaceId = stores.spaces.active().id
  const add = (name: string) =>
    stores.servers.create({ spaceId, name, alias: name, definition: stdioDefinition(), source: 'cli' }).id
  return { ...stores, spaceId, add, serverId: add('first') }
}

const unstated = { hints: null, acceptedByPerson: false }
const featuresOf = (serverId: string, kind: FeatureKind, ...names: string[]): Feature[] =>
  names.map((name, position) => ({
    serverId,
    kind,
    name,
    descriptor: JSON.stringify({ name }),
    position,
    firstSeenAt: 7,
    pin: kind === 'tool' ? unstated : null,
  }))

test('[catalog.offline] features and handshake are there after a restart, byte for byte and in order', () => {
  using stores = withServer()
  const { serverId, catalog } = stores
  const descriptor = '{"name":"z", "n":9007199254740993,"n":1e400,"ü":"\\u0000\\ud83d"}'
  const tools = [
    { serverId, kind: 'tool' as const, name: 'z', descriptor, position: 0, firstSeenAt: 7, pin: unstated },
  ]
  catalog.replace(serverId, 'resource', featuresOf(serverId, 'resource', 'file:///b', 'file:///a'))
  catalog.replace(serverId, 'tool', tools)
  catalog.setHandshake(serverId, handshake)
  stores.db.close()
  using again = openStores(stores.file)
  const expected = {
    serverId,
    handshake,
    features: [...tools, ...featuresOf(serverId, 'resource', 'file:///b', 'file:///a')],
  }
  expect(again.catalog.get(serverId)).toEqual(expected)
})

test('[catalog.offline] replace says whether anything changed, and what vanished is gone', () => {
  using stores = withServer()
  const { catalog, serverId } = stores
  const put = (...names: string[]) =>
    catalog.replace(serverId, 'tool', featuresOf(serverId, 'tool', ...names))
  expect(put()).toBe(false)
  expect(put('a', 'b')).toBe(true)
  expect(put('a', 'b')).toBe(false)
  expect(put('b', 'a')).toBe(true)
  expect(put('b')).toBe(true)
  expect(catalog.get(serverId).features.map(({ name }) => name)).toEqual(['b'])
  expect(catalog.replace(serverId, 'prompt', featuresOf(serverId, 'prompt', 'b'))).toBe(true)
  const [tool] = featuresOf(serverId, 'tool', 'b')
  expect(catalog.replace(serverId, 'tool', [{ ...tool!, descriptor: '{"name":"b","x":1}' }])).toBe(true)
  expect(put()).toBe(true)
  expect(catalog.get(serverId).features).toEqual(featuresOf(serverId, 'prompt', 'b'))
})

test('[catalog.offline] of two features with one name the first counts', () => {
  using stores = withServer()
  const { catalog, serverId } = stores
  const list = featuresOf(serverId, 'tool', 'a', 'b', 'a', 'c')
  list[2]!.descriptor = '{"name":"a","second":true}'
  expect(catalog.replace(serverId, 'tool', list)).toBe(true)
  expect(catalog.get(serverId).features).toEqual(featuresOf(serverId, 'tool', 'a', 'b', 'c'))
  expect(catalog.replace(serverId, 'tool', list)).toBe(false)
})

test('[catalog.offline] strange names are kept apart and do not look changed each time', () => {
  using stores = withServer()
  const { catalog, serverId } = stores
  const names = ['', ' ', 'a\u0000b', 'a\u0000c', 'half \ud800 pair', "'; DROP TABLE features; --", '😀']
  const list = featuresOf(serverId, 'tool', ...names)
  expect(catalog.replace(serverId, 'tool', list)).toBe(true)
  expect(catalog.replace(serverId, 'tool', list)).toBe(false)
  expect(catalog.get(serverId).features.map(({ name }) => name)).toEqual(
    names.map((name) => name.toWellFormed()),
  )
})

test('[catalog.offline] a feature that did not change stays the same object', () => {
  using stores = withServer()
  const { catalog, serverId } = stores
  const list = featuresOf(serverId, 'tool', 'a', 'b')
  catalog.replace(serverId, 'tool', list)
  const [a, b] = catalog.get(serverId).features
  list[1]!.descriptor = '{"name":"b","new":true}'
  catalog.replace(serverId, 'tool', list)
  const [again, changed] = catalog.get(serverId).features
  expect(again).toBe(a!)
  expect(changed).not.toBe(b!)
  expect(changed).toEqual(list[1])
})

test('[faults] discovery that ends after its server was removed is refused, not stored', () => {
  using stores = withServer()
  const { catalog, serverId } = stores
  catalog.replace(serverId, 'tool', featuresOf(serverId, 'tool', 'a'))
  stores.servers.remove(serverId)
  const unknown = expect.objectContaining({ code: 'server.unknown' })
  expect(() => catalog.replace(serverId, 'tool', featuresOf(serverId, 'tool', 'b'))).toThrow(unknown)
  expect(() => catalog.setHandshake(serverId, handshake)).toThrow(unknown)
  expect(catalog.get(serverId)).toEqual({ serverId, handshake: null, features: [] })
})

test('[faults] a damaged feature or handshake is left out and named', () => {
  using stores = withServer()
  const { catalog, serverId, db } = stores
  catalog.replace(serverId, 'tool', featuresOf(serverId, 'tool', 'a', 'b'))
  catalog.setHandshake(serverId, handshake)
  db.statement("UPDATE features SET descriptor = '{\"name\":' WHERE name = 'a'").run()
  db.statement("UPDATE handshakes SET capabilities = '7'").run()
  expect(catalog.get(serverId)).toMatchObject({ handshake: null, features: [{ name: 'b' }] })
  catalog.get(serverId)
  expect(db.problems().map(({ table, id }) => `${table} ${id}`)).toEqual([
    `handshakes ${serverId}`,
    `features ${serverId} tool a`,
  ])
})

test('[limits] a catalog of 20 servers with 100 tools each is written and read within a moment', () => {
  using stores = withServer()
  const names = Array.from({ length: 100 }, (_, i) => `tool-${i}`)
  const ids = [stores.serverId, ...Array.from({ length: 19 }, (_, i) => stores.add(`s${i}`))]
  const before = process.cpuUsage()
  for (const id of ids) stores.catalog.replace(id, 'tool', featuresOf(id, 'tool', ...names))
  const lists = ids.map((id) => stores.catalog.get(id))
  // Tens of milliseconds; the bound only catches work that grows with the square.
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(5000)
  expect(lists.map(({ features }) => features.length)).toEqual(ids.map(() => 100))
})

test('[names] a name that stays keeps the time it was first seen, a new one gets its own', () => {
  const clock = manualClock(1000)
  using stores = tempStores(clock)
  const spaceId = stores.spaces.active().id
  const { id } = stores.servers.create({
    spaceId,
    name: 'a',
    alias: 'a',
    definition: stdioDefinition(),
    source: 'cli',
  })
  stores.catalog.replace(id, 'tool', featuresOf(id, 'tool', 'old'))
  clock.advance(500)
  stores.catalog.replace(id, 'tool', featuresOf(id, 'tool', 'new', 'old'))
  const seen = stores.catalog.get(id).features.map(({ name, firstSeenAt }) => [name, firstSeenAt])
  expect(seen).toEqual([
    ['new', 1500],
    ['old', 1000],
  ])
})
