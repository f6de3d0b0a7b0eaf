import { type AuditEntry, type AuditRow } from '../domain/audit'

/** Kinds of entries in one minute; what comes beyond is counted as one more kind of its action. */
const MOST_KINDS = 256
const MINUTE_MS = 60_000

/** Counts entries that are alike, so that a flood of them becomes a few rows. */
export interface AuditTally {
  add(entry: AuditEntry): void
  /** What was counted, when its minute is over, or at once. */
  take(now: boolean): AuditRow[]
}

/** `now` in epoch milliseconds, `monotonic` for the minute. Holds a fixed number of kinds, whatever comes. */
export function createAuditTally(runtime: { now(): number; monotonic(): number }): AuditTally {
  const kinds = new Map<string, AuditRow>()
  let openedAt = 0

  return {
    add(entry) {
      if (kinds.size === 0) openedAt = runtime.monotonic()
      const at = runtime.now()
      let key = JSON.stringify(entry)
      let kind: AuditEntry = entry
      if (!kinds.has(key) && kinds.size >= MOST_KINDS) {
        key = entry.action
        kind = { action: entry.action, actor: { via: 'gateway' }, subject: 'more of many kinds' }
      }
      const known = kinds.get(key)
      if (!known) kinds.set(key, { ...kind, at, until: at, count: 1 })
      else {
        known.count++
        known.until = at
      }
    },
    take(now) {
      if (kinds.size === 0 || (!now && runtime.monotonic() - openedAt < MINUTE_MS)) return []
      const rows = [...kinds.values()]
      kinds.clear()
      return rows
    },
  }
}
