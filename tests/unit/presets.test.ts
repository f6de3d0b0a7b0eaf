import { expect, test } from 'bun:test'
import { Database } from 'bun:sqlite'
import type { FeaturePin, Hints } from '../../gateway/domain/feature'
import { fixedMembers } from '../../gateway/domain/presets'
import { compilePolicy } from '../../gateway/policy/resolve'
import { openDatabase } from '../../gateway/store/database'
import { migrations } from '../../gateway/store/migrations'
import { join } from 'node:path'
import { feature, set } from '../support/policy-data'
import { manualClock, openStores, stdioDefinition, tempFolder, tempStores } from '../support/temp-store'

const names = ['All', 'Read only', 'No destructive', 'Lean']
const fixed = expect.objectContaining({ code: 'set.preset' })
const taken = expect.objectContaining({ code: 'set.exists' })

test('[sets] every Space has the four presets, which nobody can rename, remove, or take the name of', () => {
  using stores = tempStores()
  const { spaces, sets } = stores
  for (const space of [spaces.active(), spaces.create({ name: 'Work' })]) {
    expect(sets.list(space.id).map(({ name }) => name)).toEqual(names)
    for (const name of names) {
      const { id } = sets.find(space.id, name.toLowerCase())
      expect(() => sets.create(space.id, name.toUpperCase(), [])).toThrow(taken)
      expect(() => sets.rename(id, 'Mine')).toThrow(fixed)
      expect(() => sets.remove(id)).toThrow(fixed)
      if (name !== 'Lean') expect(() => sets.setMembers(id, [])).toThrow(fixed)
    }
    const own = sets.create(space.id, 'Own', [])
    expect(() => sets.rename(own.id, 'lean')).toThrow(taken)
    expect(sets.rename(own.id, ' Mine ').name).toBe('Mine')
  }
})

const pin = (hints: Partial<Hints> | null, acceptedByPerson = false): FeaturePin => ({
  hints: hints && { readOnly: false, destructive: true, idempotent: false, openWorld: true, ...hints },
  acceptedByPerson,
})

test('[sets] Read only and No destructive go by the pinned hints; of a tool without any the worst is supposed', () => {
  const allowed = (
    members: (typeof fixedMembers)['all'],
    pinned: FeaturePin | null,
    kind: 'tool' | 'prompt' = 'tool',
  ) =>
    compilePolicy([{ clientId: 'c', spaceId: 'home', setId: 's' }], [set('s', members)]).allows(
      'a',
      feature('id-a', kind, 'x', { pin: pinned }),
    )
  const cases: [pin: FeaturePin | null, readOnly: boolean, noDestructive: boolean][] = [
    [pin({ readOnly: true }), true, true],
    [pin({ destructive: false }), false, true],
    [pin({}), false, false],
    [pin({}, true), false, false],
    [pin(null), false, false],
    [pin(null, true), false, true],
    [null, false, false],
  ]
  for (const [pinned, readOnly, noDestructive] of cases) {
    const found = [fixedMembers['read-only'], fixedMembers['no-destructive']].map((one) =>
      allowed(one, pinned),
    )
    expect([pinned, found]).toEqual([pinned, [readOnly, noDestructive]])
  }
  for (const members of Object.values(fixedMembers)) expect(allowed(members, null, 'prompt')).toBe(true)
})

/** A database from before there were presets, as `fill` left it. */
function before(folder: string, fill: (db: Database) => void): string {
  const file = join(folder, 'mcpmux.db')
  openDatabase(file, manualClock(1), { migrations: migrations.slice(0, 5) }).close()
  const db = new Database(file)
  db.run('PRAGMA foreign_keys = OFF')
  db.run("INSERT INTO spaces VALUES ('s', 'Default', NULL, 0, 1, 'all', 1)")
  db.run("INSERT INTO feature_sets VALUES ('all', 's', 'All', 1), ('mine', 's', 'lean', 2)")
  db.run(
    "INSERT INTO set_members (set_id, space_id, position, mode, type) VALUES ('all', 's', 0, 'include', 'all')",
  )
  db.run("INSERT INTO clients VALUES ('c', 'cursor', NULL, 1, NULL)")
  db.run("INSERT INTO grants VALUES ('c', 's', 'all'), ('c', 's', 'mine')")
  fill(db)
  db.close()
  return file
}

test('[sets] [data] a Space from before gets its presets, and nobody other rights', () => {
  using folder = tempFolder()
  const file = before(folder.path, (db) =>
    db.run(
      "INSERT INTO set_members (set_id, space_id, position, mode, type, pattern) VALUES ('mine', 's', 0, 'exclude', 'pattern', '*/x')",
    ),
  )
  for (let open = 0; open < 2; open++) {
    using stores = openStores(file)
    const sets = stores.sets.list('s')
    expect(sets.map(({ name }) => name)).toEqual([...names, 'lean (own)'])
    expect(sets[0]).toMatchObject({ id: 'all', preset: 'all', members: [{ target: { type: 'all' } }] })
    expect(sets.at(-1)).toMatchObject({ id: 'mine', preset: null, members: [{ mode: 'exclude' }] })
    expect(stores.spaces.get('s').defaultSetId).toBe('all')
    expect(stores.clients.grants('c').map(({ setId }) => setId)).toEqual(['all', 'mine'])
  }
})

test('[sets] [data] a set All that somebody changed stays what it is, under another name', () => {
  using folder = tempFolder()
  const file = before(folder.path, (db) =>
    db.run(
      "INSERT INTO set_members (set_id, space_id, position, mode, type, pattern) VALUES ('all', 's', 1, 'exclude', 'pattern', '*/x')",
    ),
  )
  using stores = openStores(file)
  const own = stores.sets.get('all')
  expect([own.name, own.preset, own.members.length]).toEqual(['All (own)', null, 2])
  expect(stores.spaces.get('s').defaultSetId).toBe('all')
  expect(stores.sets.find('s', 'All').id).not.toBe('all')
})

test('[sets] [threat.17] a set whose excludes would come back for a client is not removed', () => {
  using stores = tempStores()
  const { spaces, sets, clients, servers } = stores
  const { id: spaceId, defaultSetId } = spaces.active()
  const server = { spaceId, name: 'A', alias: 'a', definition: stdioDefinition(), source: 'cli' }
  const { id: serverId } = servers.create(server)
  const careful = sets.create(spaceId, 'Careful', [{ mode: 'exclude', target: { type: 'server', serverId } }])
  const outer = sets.create(spaceId, 'Outer', [
    { mode: 'include', target: { type: 'set', setId: careful.id } },
  ])
  const plain = sets.create(spaceId, 'Plain', [{ mode: 'include', target: { type: 'server', serverId } }])
  const { id: clientId } = clients.create({ name: 'cursor', spaceId: null })
  for (const setId of [defaultSetId, outer.id, plain.id]) clients.grant({ clientId, spaceId, setId })
  const inUse = expect.objectContaining({ code: 'set.in_use', message: expect.stringContaining('cursor') })
  expect(() => sets.remove(outer.id)).toThrow(inUse)
  sets.remove(plain.id)
  clients.revokeGrant({ clientId, spaceId, setId: defaultSetId })
  // One that follows everywhere has the default set besides.
  clients.update(clientId, { everywhere: true })
  expect(() => sets.remove(outer.id)).toThrow(inUse)
  clients.update(clientId, { everywhere: false })
  // Now it is all the client has: without it there is less, not more.
  sets.remove(outer.id)
  expect(clients.grants(clientId)).toEqual([])
})
