import type { Runtime } from '../runtime'

/** A token bucket. */
export interface Rate {
  /** Takes one token if there is one. */
  take(): boolean
  /** Takes one token in any case; returns the milliseconds to wait until the debt is paid, 0 without one. */
  owe(): number
  /** Gives one token back. */
  refund(): void
}

export function createRate(options: {
  burst: number
  perSecond: number
  runtime: Pick<Runtime, 'monotonic'>
}): Rate {
  const { burst, perSecond, runtime } = options
  let tokens = burst
  let filledAt = runtime.monotonic()
  function fill(): void {
    const at = runtime.monotonic()
    tokens = Math.min(burst, tokens + ((at - filledAt) * perSecond) / 1000)
    filledAt = at
  }
  return {
    take() {
      if (tokens < 1) fill()
      if (tokens < 1) return false
      tokens--
      return true
    },
    owe() {
      tokens--
      if (tokens >= 0) return 0
      fill()
      return tokens >= 0 ? 0 : (-tokens / perSecond) * 1000
    },
    refund() {
      if (tokens < burst) tokens++
    },
  }
}
