import type { Runtime } from '../runtime'

const FIRST_CEILING = 500
const HIGHEST_CEILING = 60_000
const OPEN_FLOOR = 30_000
const WINDOW = 120_000
const FAILURES_TO_OPEN = 5
const STABLE_AFTER = 30_000

/**
 * When a server that failed may be started again. Full-jitter exponential delays, 0.5 s up to 60 s; five failures
 * within two minutes open the circuit, which lets one probe through every 30 to 60 s. Thirty good seconds forget
 * everything. Stopping for being idle and being stopped by a person are no failures and are not told. All times are
 * monotonic milliseconds: what the system's clock is set to meanwhile neither forgives a server nor holds it back.
 */
export interface Backoff {
  /** A start failed, or a server that ran was lost. Returns the time of the next automatic start. */
  failed(): number
  /** The server answered initialize. */
  ready(): void
  /** A person said "retry now", or the definition changed: starts over. */
  reset(): void
  /** The time before which there is no automatic start; null when it may start at once. */
  retryAt(): number | null
  /** True while the server counts as failing for good (`upstream.crash_loop`). */
  isOpen(): boolean
}

/** Pure but for its clock and its dice. */
export function createBackoff({ monotonic: now, random }: Pick<Runtime, 'monotonic' | 'random'>): Backoff {
  let failures: number[] = []
  let attempt = 0
  let open = false
  let readyAt: number | null = null
  let nextAt = 0

  function reset(): void {
    failures = []
    attempt = 0
    open = false
    readyAt = null
    nextAt = 0
  }

  return {
    failed() {
      const at = now()
      if (readyAt !== null && at - readyAt >= STABLE_AFTER) reset()
      readyAt = null
      failures = [...failures.filter((earlier) => at - earlier < WINDOW), at]
      // Probes of an open circuit come too rarely to fill the window: only a good run or a person closes it.
      if (failures.length >= FAILURES_TO_OPEN) open = true
      const ceiling = Math.min(HIGHEST_CEILING, FIRST_CEILING * 2 ** attempt)
      attempt++
      const delay = open ? OPEN_FLOOR + random() * (HIGHEST_CEILING - OPEN_FLOOR) : random() * ceiling
      nextAt = at + Math.round(delay)
      return nextAt
    },
    ready() {
      readyAt = now()
    },
    reset,
    retryAt: () => (nextAt > now() ? nextAt : null),
    isOpen: () => open && (readyAt === null || now() - readyAt < STABLE_AFTER),
  }
}
