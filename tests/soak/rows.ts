import type { KillNine } from '../support/kill-nine'
import type { CallsSeen, CallsWanted } from './calls'
import type { Fuzzed } from './fuzz'
import { floors, slope, type Vitals } from './vitals'

const WINDOWS = 24
/** A busy client makes five million calls in two hours, in which a megabyte an hour is allowed. */
const MOST_PER_MILLION = 0.4

export interface SoakRow {
  part: string
  figure: string
  value: string
  target: string
  /** Null for rows that only inform. */
  ok: boolean | null
}

const row = (
  part: string,
  figure: string,
  value: string,
  target = '',
  ok: boolean | null = null,
): SoakRow => ({
  part,
  figure,
  value,
  target,
  ok,
})
const number = (value: number): string => value.toLocaleString('en-US')
const atLeast = (part: string, figure: string, value: number, least: number) =>
  row(part, figure, number(value), `≥ ${number(least)}`, value >= least)
const none = (part: string, figure: string, found: readonly string[]) =>
  row(part, figure, found.length === 0 ? '0' : found.join('; ').slice(0, 2000), '0', found.length === 0)

function range(vitals: readonly Vitals[], of: (one: Vitals) => number): { least: number; most: number } {
  const values = vitals.map(of)
  return { least: Math.min(...values), most: Math.max(...values) }
}

export function callRows(seen: CallsSeen, wanted: CallsWanted): SoakRow[] {
  const part = 'calls'
  const loaded = seen.vitals.slice(0, -1)
  // The first fifth is the warm-up.
  const warm = loaded.slice(Math.floor(loaded.length / 5))
  const least = floors(warm, WINDOWS)
  const perHour = slope(least.map(({ at, bytes }) => ({ x: at / 3600, y: bytes / 1e6 })))
  const perMillion = slope(least.map(({ calls, bytes }) => ({ x: calls / 1e6, y: bytes / 1e6 })))
  const first = warm[0]
  const last = seen.vitals.at(-1)
  const refused = [...seen.refused].map(([code, count]) => `${number(count)} ${code}`).join(', ') || 'none'
  const spread = (name: string, of: (one: Vitals) => number) => {
    const { least, most } = range(warm, of)
    const end = last ? of(last) : 0
    return row(
      part,
      name,
      `${least} to ${most}, ${end} at the end`,
      '≤ + 10 % at the end',
      first ? end <= of(first) * 1.1 + 5 : null,
    )
  }
  return [
    row(
      part,
      'time',
      `${(seen.seconds / 60).toFixed(1)} min, ${number(Math.round(seen.calls / seen.seconds))} calls/s`,
    ),
    atLeast(part, 'calls', seen.calls, wanted.calls),
    atLeast(part, 'answered rightly', seen.answered, Math.floor(seen.calls * 0.99)),
    row(part, 'ended in a typed error, as their server was killed', refused),
    none(part, 'wrong answers', seen.wrong),
    atLeast(part, 'clients that reconnected', seen.reconnects, wanted.reconnects),
    atLeast(part, 'servers that were killed', seen.crashes, wanted.crashes),
    row(part, 'memory of the gateway after warm-up', `${((first?.bytes ?? 0) / 1e6).toFixed(1)} MB`),
    row(part, 'memory of the gateway at the end', `${((last?.bytes ?? 0) / 1e6).toFixed(1)} MB`),
    row(
      part,
      `slope of the least readings of ${WINDOWS} windows, by the clock`,
      `${perHour.toFixed(2)} MB/h`,
    ),
    row(
      part,
      'the same by calls',
      `${perMillion.toFixed(3)} MB per million calls`,
      `< ${MOST_PER_MILLION}: 1 MB/h in two hours of 5 million`,
      perMillion < MOST_PER_MILLION,
    ),
    spread('descriptors', ({ descriptors }) => descriptors),
    spread('threads', ({ threads }) => threads),
    spread('processes', ({ processes }) => processes),
    row(
      part,
      'idle CPU before and after (timers left behind would show)',
      `${(seen.idleBefore * 100).toFixed(1)} % → ${(seen.idleAfter * 100).toFixed(1)} %`,
      '≤ + 1 %',
      seen.idleAfter <= seen.idleBefore + 0.01,
    ),
    row(part, 'orphans five seconds after quit', String(seen.orphans), '0', seen.orphans === 0),
  ]
}

export function killRows(found: KillNine, kills: number): SoakRow[] {
  const part = 'kill -9'
  return [
    row(part, 'kills', number(kills)),
    row(part, 'acknowledged writes', number(found.acknowledged)),
    none(part, 'lost or come back', found.wrong),
    row(part, 'processes in stubborn trees', number(found.planted)),
    row(
      part,
      'longest until all of them were gone',
      `${(found.slowestEnd / 1000).toFixed(2)} s`,
      '≤ 5 s',
      found.slowestEnd <= 5000,
    ),
  ]
}

export function fuzzRows(fuzzed: readonly Fuzzed[], seed: number): SoakRow[] {
  const all = fuzzed.reduce((sum, { cases }) => sum + cases, 0)
  return [
    row('fuzz', `all, seed ${seed}`, number(all)),
    ...fuzzed.map(({ part, cases, seconds, wrong }) =>
      row(
        'fuzz',
        `${part}: ${number(cases)} in ${seconds.toFixed(0)} s, of them wrong`,
        wrong.length === 0 ? '0' : wrong.join('; ').slice(0, 2000),
        '0',
        wrong.length === 0,
      ),
    ),
  ]
}

export function markdown(rows: readonly SoakRow[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  return [
    '| part | figure | value | target | |',
    '|---|---|---|---|---|',
    ...rows.map(({ part, figure, value, target, ok }) => {
      const verdict = ok === null ? '' : ok ? 'ok' : 'MISS'
      return `| ${[part, figure, value, target, verdict].map(cell).join(' | ')} |`
    }),
  ].join('\n')
}
