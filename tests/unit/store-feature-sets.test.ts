import { expect, test } from 'bun:test'
import type { Member } from '../../gateway/domain/policy'
import { stdioDefinition, tempStores } from '../support/temp-store'

const include = (setId: string): Member => ({ mode: 'include', target: { type: 'set', setId } })
const exclude = (setId: string): Member => ({ mode: 'exclude', target: { type: 'set', setId } })
const cycle = expect.objectContaining({ code: 'set.cycle' })

test('[sets] every kind of member comes back in its order', () => {
  using stores = tempStores()
  const { spaces, servers, sets } = stores
  const { id: spaceId, defaultSetId } = spaces.active()
  const { id: serverId } = servers.create({
    spaceId,
    name: 'Files',
    alias: 'files',
    definition: stdioDefinition(),
    source: 'cli',
  })
  const members: Member[] = [
    { mode: 'exclude', target: { type: 'pattern', pattern: 'files/*delete*' } },
    include(defaultSetId),
    { mode: 'include', target: { type: 'server', serverId } },
    { mode: 'exclude', target: { type: 'feature', serverId, kind: 'resource', name: 'file:///x' } },
    { mode: 'include', target: { type: 'all' } },
    { mode: 'include', target: { type: 'pattern', pattern: '*/get_*', kind: 'tool' } },
    { mode: 'exclude', target: { type: 'hint', hint: 'destructive', is: true } },
    { mode: 'include', target: { type: 'hint', hint: 'readOnly', is: false }, filled: true },
    { mode: 'exclude', target: { type: 'gone', alias: '', server: 'Old', feature: null } },
    {
      mode: 'include',
      target: { type: 'gone', alias: 'old', server: 'Old', feature: { kind: 'template', name: 'a/{b}' } },
    },
  ]
  const set = sets.create(spaceId, ' Mixed ', members)
  expect(set.members).toEqual(members)
  expect(sets.find(spaceId, 'mixed')).toEqual(set)
  expect(sets.find(spaceId, set.id)).toEqual(set)
  expect(sets.list(spaceId)).toContainEqual(set)
  expect(sets.setMembers(set.id, []).members).toEqual([])
  expect(() => sets.create(spaceId, 'MIXED', [])).toThrow(expect.objectContaining({ code: 'set.exists' }))
  expect(() => sets.create(spaceId, ' ', [])).toThrow(expect.objectContaining({ code: 'input.invalid' }))
  expect(() => sets.create('nowhere', 'x', [])).toThrow(expect.objectContaining({ code: 'space.unknown' }))
  expect(() => sets.get('nothing')).toThrow(expect.objectContaining({ code: 'set.unknown' }))
})

test('[space.isolation] a set cannot name what is in another Space, nor be found from there', () => {
  using stores = tempStores()
  const { spaces, servers, sets, clients } = stores
  const here = spaces.active()
  const there = spaces.create({ name: 'There' })
  const server = servers.create({
    spaceId: there.id,
    name: 'Files',
    alias: 'files',
    definition: stdioDefinition(),
    source: 'cli',
  })
  const member: Member = { mode: 'include', target: { type: 'server', serverId: server.id } }
  expect(() => sets.create(here.id, 'x', [member])).toThrow(
    expect.objectContaining({ code: 'server.unknown' }),
  )
  expect(() => sets.create(here.id, 'x', [include(there.defaultSetId)])).toThrow(
    expect.objectContaining({ code: 'set.unknown' }),
  )
  expect(sets.list(here.id).filter(({ preset }) => preset === null)).toEqual([])
  expect(() => sets.find(here.id, there.defaultSetId)).toThrow(
    expect.objectContaining({ code: 'set.unknown' }),
  )
  const { id: clientId } = clients.create({ name: 'c', spaceId: null })
  expect(() => clients.grant({ clientId, spaceId: here.id, setId: there.defaultSetId })).toThrow(
    expect.objectContaining({ code: 'set.unknown' }),
  )
})

test('[sets] a set that would contain itself is refused and stays as it was', () => {
  using stores = tempStores()
  const { spaces, sets } = stores
  const spaceId = spaces.active().id
  const a = sets.create(spaceId, 'a', [])
  const b = sets.create(spaceId, 'b', [include(a.id)])
  const c = sets.create(spaceId, 'c', [exclude(b.id)])
  for (const member of [include(a.id), exclude(a.id), include(b.id), exclude(c.id)])
    expect(() => sets.setMembers(a.id, [member])).toThrow(cycle)
  expect(sets.get(a.id).members).toEqual([])
  expect(sets.create(spaceId, 'd', [include(a.id), include(b.id), include(c.id)]).members).toHaveLength(3)
})

test('[sets] nesting deeper than 32 is refused, from above and from below', () => {
  using stores = tempStores()
  const { spaces, sets } = stores
  const spaceId = spaces.active().id
  const chain = (name: string, length: number, inner: Member[] = []): string[] => {
    const ids: string[] = []
    for (let i = 0; i < length; i++) {
      const members: Member[] = ids.at(-1) ? [include(ids.at(-1) ?? '')] : inner
      ids.push(sets.create(spaceId, `${name}${i}`, members).id)
    }
    return ids
  }
  const long = chain('long', 32)
  expect(() => sets.create(spaceId, 'one too many', [include(long.at(-1) ?? '')])).toThrow(cycle)
  const short = chain('short', 2)
  expect(() => sets.setMembers(long[0] ?? '', [include(short[0] ?? '')])).toThrow(cycle)
  expect(sets.setMembers(long[1] ?? '', [include(short[0] ?? '')]).members).toHaveLength(1)
})

test('[sets] a wide graph of sets is checked without walking every path', () => {
  using stores = tempStores()
  const { spaces, sets } = stores
  const spaceId = spaces.active().id
  let below: string[] = []
  for (let level = 0; level < 30; level++)
    below = [0, 1].map((side) => sets.create(spaceId, `${level}-${side}`, below.map(include)).id)
  expect(sets.list(spaceId).filter(({ preset }) => preset === null)).toHaveLength(60)
})

test('[sets] a set that others contain, or new clients get, is not removed; another goes with its grants', () => {
  using stores = tempStores()
  const { spaces, sets, clients } = stores
  const { id: spaceId } = spaces.active()
  const usual = sets.create(spaceId, 'usual', [])
  spaces.update(spaceId, { defaultSetId: usual.id })
  const inner = sets.create(spaceId, 'inner', [{ mode: 'exclude', target: { type: 'all' } }])
  const outer = sets.create(spaceId, 'outer', [include(inner.id)])
  const { id: clientId } = clients.create({ name: 'c', spaceId: null })
  clients.grant({ clientId, spaceId, setId: outer.id })
  const inUse = expect.objectContaining({ code: 'set.in_use' })
  expect(() => sets.remove(inner.id)).toThrow(inUse)
  expect(() => sets.remove(usual.id)).toThrow(inUse)
  expect(() => sets.remove('nothing')).toThrow(expect.objectContaining({ code: 'set.unknown' }))
  sets.remove(outer.id)
  expect(clients.grants()).toEqual([])
  sets.remove(inner.id)
  expect(sets.list(spaceId).at(-1)).toEqual(usual)
})

test('[faults] a member that cannot be read never widens its set', () => {
  using stores = tempStores()
  const { spaces, sets, db } = stores
  const spaceId = spaces.active().id
  const set = sets.create(spaceId, 'damaged', [
    { mode: 'include', target: { type: 'all' } },
    { mode: 'include', target: { type: 'pattern', pattern: 'x/*' } },
    { mode: 'exclude', target: { type: 'pattern', pattern: 'y/*' } },
  ])
  db.statement('PRAGMA ignore_check_constraints = ON').run()
  db.statement("UPDATE set_members SET type = 'mystery' WHERE pattern IS NOT NULL").run()
  expect(sets.get(set.id).members).toEqual([
    { mode: 'include', target: { type: 'all' } },
    { mode: 'exclude', target: { type: 'all' } },
  ])
  expect(db.problems()).toMatchObject([{ table: 'set_members', id: set.id }])
})
