import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { IdTable } from '../../gateway/collections/id-table'
import { LiveList, type Place } from '../../gateway/collections/live-list'

interface Thing {
  id: number
}

/** Ids that meet in one place of the table as often as not, and such as a server may make up. */
const ids = fc.oneof(
  fc.nat(300),
  fc.nat(20).map((high) => high * 4096 + 63),
  fc.nat(2 ** 40),
)
const strange = [-1, -64, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1e300]

const steps = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('set' as const), id: ids }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('take' as const), id: ids }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('takeKnown' as const), id: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), id: ids }) },
  ),
  { maxLength: 400 },
)

const byId = (things: readonly Thing[]) => things.map(({ id }) => id).sort((a, b) => a - b)

test('[limits] a table of what is under way holds what a Map would', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const table = new IdTable<Thing>()
      const model = new Map<number, Thing>()
      for (const { kind, id } of all) {
        if (kind === 'set') {
          const thing = { id }
          table.set(id, thing)
          model.set(id, thing)
        } else if (kind === 'drain') {
          expect(byId(table.drain())).toEqual(byId([...model.values()]))
          model.clear()
        } else {
          const wanted = kind === 'take' ? id : ([...model.keys()][id % (model.size || 1)] ?? id)
          expect(table.take(wanted)).toBe(model.get(wanted) ?? null)
          model.delete(wanted)
        }
        expect(table.size).toBe(model.size)
      }
      for (const [id, thing] of model) expect(table.get(id)).toBe(thing)
      for (const id of strange) expect([table.get(id), table.take(id)]).toEqual([null, null])
      expect(byId(table.toArray())).toEqual(byId([...model.values()]))
    }),
    { numRuns: 500 },
  )
})

test('[limits] a table of ten thousand that come and go in turn finds each one', () => {
  const table = new IdTable<Thing>()
  for (let id = 0; id < 100_000; id += 1) {
    table.set(id, { id })
    if (id >= 10_000) expect(table.take(id - 10_000)?.id).toBe(id - 10_000)
  }
  expect([table.size, table.get(99_999)?.id, table.get(89_999)]).toEqual([10_000, 99_999, null])
})

test('[limits] a list of what is under way keeps its order, whoever leaves', () => {
  const moves = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), at: fc.nat() }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), at: fc.nat() }) },
    ),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(moves, (all) => {
      const list = new LiveList<Thing>()
      const places: Place<Thing>[] = []
      const things: Thing[] = []
      let model: Thing[] = []
      for (const [id, { kind, at }] of all.entries()) {
        if (kind === 'add') {
          const thing = { id }
          places.push(list.add(thing))
          things.push(thing)
          model.push(thing)
        } else if (kind === 'remove' && places.length > 0) {
          // One that left before is among them.
          const index = at % places.length
          list.remove(places[index] as Place<Thing>)
          model = model.filter((thing) => thing !== things[index])
        } else if (kind === 'drain') {
          expect(list.drain()).toEqual(model)
          model = []
        }
        expect([list.size, list.first]).toEqual([model.length, model[0] ?? null])
      }
      expect(list.toArray()).toEqual(model)
      expect(list.newest()).toBe(model.at(-1) ?? null)
      expect(list.newest(({ id }) => id % 3 === 0)).toBe(model.findLast(({ id }) => id % 3 === 0) ?? null)
      for (const place of places) list.remove(place)
      expect([list.size, list.first, list.newest(), list.toArray()]).toEqual([0, null, null, []])
    }),
    { numRuns: 500 },
  )
})

test('[limits] a place that was left points to nothing', () => {
  const list = new LiveList<Thing>()
  const places = [1, 2, 3].map((id) => list.add({ id }))
  const [, middle] = places
  if (middle) list.remove(middle)
  expect(middle).toEqual({ value: null, before: null, after: null })
  list.drain()
  expect(places).toEqual(places.map(() => ({ value: null, before: null, after: null })))
})
