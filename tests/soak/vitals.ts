// What a process and its children hold, seen from outside.
import { readdirSync, readFileSync } from 'node:fs'
import { processTree } from '../bench/programs'
import { residentBytes } from '../support/processes'

export interface Vitals {
  /** Seconds since the first reading. */
  at: number
  calls: number
  bytes: number
  descriptors: number
  threads: number
  processes: number
}

const count = (folder: string): number => {
  try {
    return readdirSync(folder).length
  } catch {
    return 0
  }
}

export function readVitals(pid: number, at: number, calls: number): Vitals {
  return {
    at,
    calls,
    bytes: residentBytes(pid),
    descriptors: count(`/proc/${pid}/fd`),
    threads: count(`/proc/${pid}/task`),
    processes: processTree(pid).length,
  }
}

/** Share of one core a process uses over `ms`; timers that nobody stopped would show here. */
export async function idleShare(pid: number, ms: number): Promise<number> {
  const ticks = () => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = ticks()
  const started = performance.now()
  await Bun.sleep(ms)
  // A tick is a hundredth of a second.
  return ((ticks() - before) * 10) / (performance.now() - started)
}

/** The reading with the least memory in each of `count` windows: what is left when garbage was just collected. */
export function floors(vitals: readonly Vitals[], count: number): Vitals[] {
  const size = Math.max(1, Math.ceil(vitals.length / count))
  const found: Vitals[] = []
  for (let at = 0; at < vitals.length; at += size)
    found.push(vitals.slice(at, at + size).reduce((least, one) => (one.bytes < least.bytes ? one : least)))
  return found
}

/** Least-squares slope of `y` over `x`. */
export function slope(points: readonly { x: number; y: number }[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))]
  const over = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0)
  const under = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  return under === 0 ? 0 : over / under
}
