import { systemRuntime } from '../runtime'
import { UsageError } from './usage'

const milliseconds: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `30s`, `10m`, `2h` or `3d` in milliseconds; null for anything else. */
export function readDuration(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return count === undefined ? null : Number(count) * (milliseconds[unit] ?? 0)
}

/** A time that is over, in epoch milliseconds: a duration before now, or ISO 8601. `option` is what it was given with. */
export function readSince(text: string, option: string): number {
  const ago = readDuration(text)
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  const since = ago === null ? at : systemRuntime.now() - ago
  if (!Number.isFinite(since))
    throw new UsageError(`${option} is a duration (30s, 10m, 2h, 3d) or a time in ISO 8601`)
  return Math.max(0, since)
}

/** A time to come, the same way. */
export function readUntil(text: string, option: string): number {
  const ahead = readDuration(text)
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  const until = ahead === null ? at : systemRuntime.now() + ahead
  if (!Number.isFinite(until))
    throw new UsageError(`${option} is a duration (12h, 30d) or a time in ISO 8601`)
  if (until <= systemRuntime.now()) throw new UsageError(`${option} is over already`)
  return until
}
