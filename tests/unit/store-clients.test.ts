import { expect, test } from 'bun:test'
import { manualClock, openStores, tempStores } from '../support/temp-store'

const hash = (fill: number) => new Uint8Array(32).fill(fill)

test('[keys] clients have unique names in any case and may be pinned', () => {
  using stores = tempStores()
  const { clients, spaces } = stores
  const spaceId = spaces.active().id
  const client = clients.create({ name: ' Cursor ', spaceId: null })
  expect(client).toMatchObject({ name: 'Cursor', spaceId: null, lastSeenAt: null })
  expect(clients.findByName('cursor')).toEqual(client)
  expect(clients.findByName('nobody')).toBeNull()
  expect(() => clients.create({ name: 'CURSOR', spaceId: null })).toThrow(
    expect.objectContaining({ code: 'client.exists' }),
  )
  expect(() => clients.create({ name: 'x', spaceId: 'nowhere' })).toThrow(
    expect.objectContaining({ code: 'space.unknown' }),
  )
  expect(clients.update(client.id, { spaceId, lastSeenAt: 5 })).toEqual({ ...client, spaceId, lastSeenAt: 5 })
  expect(clients.update(client.id, { name: 'CURSOR' })).toMatchObject({
    name: 'CURSOR',
    spaceId,
    lastSeenAt: 5,
  })
  expect(clients.update(client.id, { spaceId: null }).spaceId).toBeNull()
  expect(() => clients.update('nobody', {})).toThrow(expect.objectContaining({ code: 'client.unknown' }))
  expect(() => clients.get('nobody')).toThrow(expect.objectContaining({ code: 'client.unknown' }))
})

test('[sets] grants are what was granted, once each, until revoked', () => {
  using stores = tempStores()
  const { clients, spaces } = stores
  const { id: spaceId, defaultSetId: setId } = spaces.active()
  const [one, two] = ['one', 'two'].map((name) => clients.create({ name, spaceId: null }).id)
  const grant = { clientId: one ?? '', spaceId, setId }
  clients.grant(grant)
  clients.grant(grant)
  clients.grant({ ...grant, clientId: two ?? '' })
  expect(clients.grants(one)).toEqual([grant])
  expect(clients.grants()).toHaveLength(2)
  clients.revokeGrant(grant)
  clients.revokeGrant(grant)
  expect(clients.grants(one)).toEqual([])
  expect(() => clients.grant({ ...grant, clientId: 'nobody' })).toThrow(
    expect.objectContaining({ code: 'client.unknown' }),
  )
})

test('[keys] a key is found by its hash, and its life is written down', () => {
  const clock = manualClock(1000)
  using stores = tempStores(clock)
  const { clients, keys } = stores
  const { id: clientId } = clients.create({ name: 'c', spaceId: null })
  const key = keys.create({ clientId, hash: hash(1), hint: 'abcd', expiresAt: 5000 })
  keys.create({ clientId, hash: hash(2), hint: 'efgh', expiresAt: 9 })
  expect(keys.findByHash(hash(1))).toEqual(key)
  expect(keys.findByHash(hash(3))).toBeNull()
  keys.touch(key.id, 1500)
  clock.advance(1000)
  keys.revoke(key.id)
  clock.advance(1000)
  keys.revoke(key.id)
  const expected = { ...key, lastUsedAt: 1500, expiresAt: 5000, revokedAt: 2000 }
  expect(keys.get(key.id)).toEqual(expected)
  stores.db.close()
  using again = openStores(stores.file)
  expect(again.keys.findByHash(hash(1))).toEqual(expected)
  expect(again.keys.list(clientId)).toHaveLength(2)
  const unknown = expect.objectContaining({ code: 'key.unknown' })
  for (const use of [again.keys.get, again.keys.revoke]) expect(() => use('nothing')).toThrow(unknown)
  expect(() => again.keys.create({ clientId: 'nobody', hash: hash(9), hint: '', expiresAt: null })).toThrow(
    expect.objectContaining({ code: 'client.unknown' }),
  )
})

test('[keys] removing a client removes its keys, grants and sessions', () => {
  using stores = tempStores()
  const { clients, keys, sessions, spaces } = stores
  const { id: spaceId, defaultSetId: setId } = spaces.active()
  const { id: clientId } = clients.create({ name: 'c', spaceId })
  keys.create({ clientId, hash: hash(1), hint: 'abcd', expiresAt: null })
  clients.grant({ clientId, spaceId, setId })
  sessions.save({ ...session, clientId })
  clients.remove(clientId)
  expect([keys.list(), clients.grants(), sessions.get(session.id)]).toEqual([[], [], null])
  expect(() => clients.remove(clientId)).toThrow(expect.objectContaining({ code: 'client.unknown' }))
})

const session = {
  id: 'ab'.repeat(32),
  clientId: '',
  protocolVersion: '2025-11-25',
  clientInfo: '{"name":"x","version":"1"}',
  clientCapabilities: '{"sampling":{}}',
  logLevel: null,
  createdAt: 1,
  lastSeenAt: 1,
}

test('[sessions.jwt] a stored session is the same after a restart, until it expires or ends', () => {
  using stores = tempStores()
  const { id: clientId } = stores.clients.create({ name: 'c', spaceId: null })
  const own = { ...session, clientId }
  stores.sessions.save(own)
  stores.sessions.update(own.id, { logLevel: 'warning' })
  stores.sessions.update(own.id, { lastSeenAt: 50 })
  stores.sessions.update('nothing', { lastSeenAt: 50 })
  stores.db.close()
  using again = openStores(stores.file)
  const { sessions } = again
  expect(sessions.get(own.id)).toEqual({ ...own, logLevel: 'warning', lastSeenAt: 50 })
  sessions.update(own.id, { logLevel: null })
  expect(sessions.get(own.id)?.logLevel).toBeNull()
  expect(sessions.expire(50)).toBe(0)
  expect(sessions.expire(51)).toBe(1)
  expect(sessions.get(own.id)).toBeNull()
  sessions.save(own)
  sessions.removeForClient(clientId)
  expect(sessions.get(own.id)).toBeNull()
  sessions.save(own)
  sessions.remove(own.id)
  expect(sessions.get(own.id)).toBeNull()
  expect(() => sessions.save({ ...own, clientId: 'nobody' })).toThrow(
    expect.objectContaining({ code: 'client.unknown' }),
  )
})
