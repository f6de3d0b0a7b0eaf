import { expect, test } from 'bun:test'
import { callRows, fuzzRows, killRows, markdown } from '../soak/rows'
import { floors, readVitals, slope, type Vitals } from '../soak/vitals'
import { checkLines, checkScan, checkSse } from '../support/fuzz-checks'
import { chance } from '../support/fuzz-source'

const wanted = { minutes: 1, calls: 1000, reconnects: 10, crashes: 5 }
/** An hour of readings, one a minute, that grows by so many megabytes; five million calls in two hours. */
const hour = (growth: number, saw = 0): Vitals[] =>
  Array.from({ length: 61 }, (_, minute) => ({
    at: minute * 60,
    calls: (minute / 60) * 2_500_000,
    bytes: (100 + (growth * minute) / 60 + (minute % 2) * saw) * 1e6,
    descriptors: 100,
    threads: 8,
    processes: 22,
  }))
const seen = (vitals: Vitals[]) => ({
  seconds: 3600,
  calls: 2000,
  answered: 1995,
  refused: new Map([['upstream.lost', 5]]),
  wrong: [] as string[],
  reconnects: 10,
  crashes: 5,
  vitals,
  idleBefore: 0.001,
  idleAfter: 0.002,
  orphans: 0,
})
const missed = (rows: ReturnType<typeof callRows>) =>
  rows.filter(({ ok }) => ok === false).map(({ figure }) => figure)

test('[threat.72] a leak shows in the slope, garbage that is collected does not', () => {
  expect(missed(callRows(seen(hour(0)), wanted))).toEqual([])
  expect(missed(callRows(seen(hour(0, 40)), wanted))).toEqual([])
  expect(missed(callRows(seen(hour(2)), wanted))).toEqual(['the same by calls'])
  expect(
    slope(floors(hour(3, 30), 20).map(({ at, bytes }) => ({ x: at / 3600, y: bytes / 1e6 }))),
  ).toBeCloseTo(3, 0)
})

test('[threat.72] wrong answers, orphans, lost writes and too few of anything are misses', () => {
  const good = seen(hour(0))
  for (const bad of [
    { ...good, wrong: ['call 1'] },
    { ...good, orphans: 1 },
    { ...good, calls: 999 },
    { ...good, answered: 1000 },
    { ...good, reconnects: 9 },
    { ...good, crashes: 4 },
    { ...good, idleAfter: 0.5 },
    { ...good, vitals: good.vitals.map((one, n) => ({ ...one, descriptors: 100 + n })) },
  ])
    expect(missed(callRows(bad, wanted)).length).toBe(1)
  const kill = { acknowledged: 9, wrong: [] as string[], planted: 100, slowestEnd: 1000 }
  expect(missed(killRows(kill, 5))).toEqual([])
  expect(missed(killRows({ ...kill, wrong: ['x is lost'] }, 5))).toEqual(['lost or come back'])
  expect(missed(killRows({ ...kill, slowestEnd: 9000 }, 5)).length).toBe(1)
  const fuzzed = { part: 'bodies', cases: 7, seconds: 1, wrong: ['case 3: a | b\nc'] }
  expect(missed(fuzzRows([fuzzed], 1)).length).toBe(1)
  // One line for each row, whatever a case looks like.
  expect(markdown(fuzzRows([fuzzed], 1)).split('\n').length).toBe(4)
})

test('[threat.72] the vitals of this process are what the system says', () => {
  const { bytes, descriptors, threads, processes } = readVitals(process.pid, 1, 2)
  expect(Math.abs(bytes - process.memoryUsage.rss())).toBeLessThan(64 * 2 ** 20)
  expect([descriptors > 3, threads > 1, processes >= 1]).toEqual([true, true, true])
  expect(readVitals(2 ** 22, 0, 0)).toMatchObject({ bytes: 0, descriptors: 0 })
})

test('[threat.72] the same seed gives the same cases, and damaged ones are among them', () => {
  for (const check of [checkScan, checkSse, checkLines]) {
    const [one, other] = [chance(5), chance(5)]
    for (let n = 0; n < 200; n++) expect(check(one)).toBe(check(other))
    expect(one.below(2 ** 31)).toBe(other.below(2 ** 31))
  }
  expect(chance(1).below(2 ** 31)).not.toBe(chance(2).below(2 ** 31))
})
