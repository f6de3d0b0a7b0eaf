import {
  type Audit,
  type AuditEntry,
  type AuditFilter,
  type AuditRecord,
  type AuditRow,
  countedActions,
  deferredActions,
} from '../domain/audit'
import type { ReadSetting } from '../domain/settings'
import type { Runtime } from '../runtime'
import type { Redactor } from '../secrets/redactor'
import type { AuditStore } from '../store/audit'
import { createAuditTally } from './audit-tally'

/** Reads the trail, with what happened up to now. */
export interface AuditReader {
  /** Up to `limit` entries below the number `before`, the newest first. */
  list(filter: AuditFilter, page: { before: number | null; limit: number }): AuditRecord[]
  /** Number of the newest entry; 0 without any. */
  newest(): number
  /** Entries above the number `after`, then those to come, until `signal` aborts. Pulled by its reader. */
  follow(filter: AuditFilter, after: number, signal: AbortSignal): AsyncGenerator<AuditRecord>
  /** Follows the chain of hashes from end to end. */
  check(): Promise<AuditCheck>
}

export interface AuditCheck {
  /** Numbers of the first and the last entry that are kept; 0 without any. */
  first: number
  last: number
  /** The first entry that is missing or not as it was written; null when all are. */
  broken: number | null
}

/** The one record of who did what. */
export interface AuditTrail extends Audit, AuditReader, Disposable {
  /** To be called every second or so: writes what waits. */
  turn(): void
  /** To be called now and then: removes what is too old or too much, a little at a time. */
  prune(): void
}

const LONGEST = 200
/** Entries that wait for a disk that takes nothing; more are counted only. */
const MOST_WAITING = 1000
const PRUNE_ROWS = 500
const CHECK_ROWS = 500
const PAGE_ROWS = 100
const DAY_MS = 86_400_000

/**
 * Writes what a person does before they are answered, and everything else a moment later; counts what comes in floods.
 * A disk that takes nothing stops nobody: what it did not take waits, and when that becomes too much, how much is
 * missing is recorded once there is room.
 */
export function createAuditTrail(deps: {
  store: AuditStore
  redact: Redactor['redact']
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep'>
  report: (error: unknown) => void
}): AuditTrail {
  const { store, runtime } = deps
  const tally = createAuditTally(runtime)
  const followers = new Set<() => void>()
  let waiting: AuditRow[] = []
  let lost = 0
  let failing = false

  const clean = (text: string): string => {
    const shown = deps.redact(text)
    return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 1)}…` : shown
  }

  function cleaned({ subject, detail, ...entry }: AuditEntry): AuditEntry {
    const facts = Object.entries(detail ?? {}).map(
      ([name, value]) => [name, typeof value === 'string' ? clean(value) : value] as const,
    )
    return {
      ...entry,
      ...(subject === undefined ? {} : { subject: clean(subject) }),
      ...(facts.length > 0 ? { detail: Object.fromEntries(facts) } : {}),
    }
  }

  function wait(rows: readonly AuditRow[]): void {
    waiting.push(...rows)
    const over = waiting.length - MOST_WAITING
    if (over <= 0) return
    lost += waiting.splice(0, over).reduce((sum, { count }) => sum + count, 0)
  }

  function write(): void {
    if (waiting.length === 0) return
    const at = runtime.now()
    const gap: AuditRow[] =
      lost > 0 ? [{ action: 'audit.lost', actor: { via: 'gateway' }, at, until: at, count: lost }] : []
    try {
      store.append([...gap, ...waiting])
    } catch (error) {
      if (!failing) deps.report(error)
      failing = true
      return
    }
    waiting = []
    lost = 0
    failing = false
    for (const wake of followers) wake()
  }

  function flush(): void {
    wait(tally.take(true))
    write()
  }

  return {
    record(given) {
      const entry = cleaned(given)
      if (countedActions.has(entry.action)) return tally.add(entry)
      const at = runtime.now()
      wait([{ ...entry, at, until: at, count: 1 }])
      if (!deferredActions.has(entry.action)) write()
    },
    list(filter, page) {
      flush()
      return store.list(filter, page)
    },
    newest() {
      flush()
      return store.ends().head.seq
    },
    async *follow(filter, from, signal) {
      let after = from
      let wake = (): void => {}
      const woken = (): void => wake()
      followers.add(woken)
      signal.addEventListener('abort', woken)
      try {
        while (!signal.aborted) {
          const head = store.ends().head.seq
          if (head <= after) {
            await new Promise<void>((resolve) => {
              wake = resolve
            })
            continue
          }
          const found = store.after(filter, { after, limit: PAGE_ROWS })
          after = found.length < PAGE_ROWS ? head : (found.at(-1)?.seq ?? head)
          yield* found
        }
      } finally {
        followers.delete(woken)
        signal.removeEventListener('abort', woken)
      }
    },
    async check() {
      flush()
      const { pruned, head } = store.ends()
      let at = pruned
      for (;;) {
        const step = store.follow(at, CHECK_ROWS)
        if (step.broken !== null || step.at.seq === at.seq) {
          const kept = head.seq > pruned.seq
          return { first: kept ? pruned.seq + 1 : 0, last: kept ? head.seq : 0, broken: step.broken }
        }
        // Calls come first, and meanwhile old entries may go.
        await runtime.sleep(0)
        const gone = store.ends().pruned
        at = gone.seq > step.at.seq ? gone : step.at
      }
    },
    turn() {
      wait(tally.take(false))
      write()
    },
    prune() {
      const keep = {
        since: runtime.now() - deps.settings('audit.days') * DAY_MS,
        entries: deps.settings('audit.entries'),
      }
      try {
        store.prune(keep, PRUNE_ROWS)
      } catch (error) {
        deps.report(error)
      }
    },
    [Symbol.dispose]: flush,
  }
}
