import { expect, test } from 'bun:test'
import type { FeatureSet, Member } from '../../gateway/domain/policy'
import { chooseLean, createLean, leanSize } from '../../gateway/policy/lean'
import { createToolUsage, dayOf, usageDays } from '../../gateway/router/tool-usage'
import { exclude, feature, include, server, set } from '../support/policy-data'
import { manualClock, stdioDefinition, tempStores } from '../support/temp-store'

const lean = (members: readonly Member[] = []): FeatureSet => ({ ...set('lean', members), preset: 'lean' })
const offering = (id: string, count: number) => ({
  server: server(id),
  tools: Array.from({ length: count }, (_, n) => feature(id, 'tool', `${id}${n}`, { position: n })),
})
const toolsOf = (members: readonly Member[]): string[] =>
  members.flatMap(({ target }) => (target.type === 'feature' ? [target.name] : []))
const choose = (
  one: FeatureSet,
  calls: Record<string, number> = {},
  servers = [offering('b', 30), offering('a', 30)],
) => chooseLean({ lean: one, sets: [one], servers, calls: (_, tool) => calls[tool] ?? 0 })

test('[sets] Lean has the most used tools first, then those by alias, and no more than forty', () => {
  const chosen = toolsOf(choose(lean(), { b7: 3, a9: 9, b2: 3 }))
  expect(chosen).toHaveLength(leanSize)
  expect(chosen.slice(0, 5)).toEqual(['a9', 'b2', 'b7', 'a0', 'a1'])
  expect(chosen.at(-1)).toBe('b9')
  expect(choose(lean()).filter(({ target }) => target.type === 'pattern')).toHaveLength(3)
  expect(choose(lean()).every(({ filled }) => filled)).toBe(true)
})

test('[sets] what a person added to Lean stays first, counts, and what they took out is not chosen', () => {
  const own = [
    include({ type: 'pattern', pattern: 'b/b2*', kind: 'tool' }),
    exclude({ type: 'feature', serverId: 'a', kind: 'tool', name: 'a0' }),
  ]
  const first = choose(lean(own), { a0: 99 })
  expect(first.slice(0, 2)).toEqual(own)
  // b2 and b20 to b29 are eleven.
  expect(toolsOf(first.slice(2))).toHaveLength(leanSize - 11)
  expect(toolsOf(first.slice(2))).not.toContain('a0')
  // Chosen anew, what was chosen goes and what was added stays.
  const again = choose(lean(first), { b19: 1 })
  expect(again.slice(0, 2)).toEqual(own)
  expect(toolsOf(again.slice(2))[0]).toBe('b19')
  expect(again).toHaveLength(first.length)
})

test('[sets] Lean is chosen at its first use, when there is something, once; a failed write leaves it as it was', () => {
  using stores = tempStores(manualClock(500))
  const { id: spaceId } = stores.spaces.active()
  const { id: setId } = stores.sets.find(spaceId, 'Lean')
  const { id: clientId } = stores.clients.create({ name: 'c', spaceId: null })
  const reported: unknown[] = []
  let full = false
  const part = createLean({
    sets: (id) => stores.sets.list(id),
    grants: () => stores.clients.grants(),
    servers: (id) => stores.servers.list(id),
    tools: (id) => stores.catalog.get(id).features,
    usage: () => () => 0,
    fill(id, members) {
      if (full) throw new Error('disk full')
      return stores.sets.fill(id, members)
    },
    report: (error) => reported.push(error),
  })
  const filled = () => toolsOf(part.sets(spaceId).find(({ id }) => id === setId)?.members ?? [])
  const add = (name: string) => {
    const draft = { spaceId, name, alias: name, definition: stdioDefinition(), source: 'cli' }
    const { id } = stores.servers.create(draft)
    stores.catalog.replace(id, 'tool', [feature(id, 'tool', `${name}0`)])
  }
  stores.clients.grant({ clientId, spaceId, setId })
  expect([filled(), stores.sets.get(setId).filledAt]).toEqual([[], null])
  stores.clients.revokeGrant({ clientId, spaceId, setId })
  add('one')
  expect([filled(), stores.sets.get(setId).filledAt]).toEqual([[], null])
  stores.clients.grant({ clientId, spaceId, setId })
  full = true
  expect([filled(), reported.length]).toEqual([[], 1])
  full = false
  expect([filled(), stores.sets.get(setId).filledAt]).toEqual([['one0'], 500])
  add('two')
  expect(filled()).toEqual(['one0'])
  expect(toolsOf(part.refresh(stores.sets.get(setId)).members)).toEqual(['one0', 'two0'])
})

test('[sets] calls are counted in memory, written in batches, and forgotten after thirty days', () => {
  const clock = manualClock(100 * 86_400_000)
  using stores = tempStores(clock)
  const spaceId = stores.spaces.active().id
  const { id } = stores.servers.create({
    ...{ spaceId, name: 'A', alias: 'a', definition: stdioDefinition(), source: 'cli' },
  })
  let wake = () => {}
  const runtime = {
    now: clock.now,
    sleep: () =>
      new Promise<void>((resolve) => {
        wake = resolve
      }),
  }
  let writes = 0
  const store = {
    ...stores.toolUsage,
    add(...args: Parameters<typeof stores.toolUsage.add>) {
      writes++
      stores.toolUsage.add(...args)
    },
  }
  const report = (error: unknown) => {
    throw error
  }
  const usage = createToolUsage({ store, runtime, report })
  for (let n = 0; n < 1000; n++) usage.used(id, n % 4 === 0 ? 'rare' : 'often')
  usage.used('gone', 'x')
  expect(writes).toBe(0)
  const counts = () => [
    usage.calls(spaceId)(id, 'often'),
    usage.calls(spaceId)(id, 'rare'),
    usage.calls(spaceId)('gone', 'x'),
  ]
  expect([counts(), writes]).toEqual([[750, 250, 0], 1])
  clock.advance(10 * 86_400_000)
  usage.used(id, 'rare')
  usage.close()
  expect([counts(), writes]).toEqual([[750, 251, 0], 2])
  clock.advance((usageDays - 10) * 86_400_000)
  expect(counts()).toEqual([0, 1, 0])
  // What is too old goes with the next write.
  const later = createToolUsage({ store, runtime, report })
  later.used(id, 'rare')
  later.close()
  const rows = stores.db.statement<{ day: number }>('SELECT day FROM tool_usage ORDER BY day').all()
  expect(rows.map(({ day }) => day)).toEqual([110, 130])
  expect(dayOf(clock.now())).toBe(130)
  wake()
})
