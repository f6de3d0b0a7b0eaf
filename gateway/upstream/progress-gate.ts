import type { Runtime } from '../runtime'

/** Steps of one call that pass at once, and how many a second after them. */
const BURST = 20
const STEP_MS = 50
const BURST_MS = (BURST - 1) * STEP_MS

/**
 * The steps of one call on their way to its client, at most 20 a second. Of those that come faster only the newest
 * waits for its turn: progress tells how far a call is, so a later step makes an earlier one useless.
 */
export interface ProgressGate<T> {
  offer(step: T): void
  /** Hands the step that waits on at once, because the answer comes next. */
  flush(): void
}

export function createProgressGate<T>(
  runtime: Pick<Runtime, 'monotonic' | 'sleep'>,
  deliver: (step: T) => void,
): ProgressGate<T> {
  let held: T | null = null
  let armed = false
  /** The time up to which the rate is used up. */
  let usedUntil = 0

  const pass = (step: T): void => {
    usedUntil = Math.max(usedUntil, runtime.monotonic()) + STEP_MS
    deliver(step)
  }
  const flush = (): void => {
    const step = held
    held = null
    if (step !== null) pass(step)
  }

  return {
    offer(step) {
      const wait = usedUntil - BURST_MS - runtime.monotonic()
      if (held === null && wait <= 0) return pass(step)
      held = step
      if (armed) return
      armed = true
      const turn = () => {
        armed = false
        flush()
      }
      runtime.sleep(Math.max(0, wait)).then(turn, turn)
    },
    flush,
  }
}
