import { GatewayError } from '../errors'

/** Places for calls in flight to one server, and a bounded line of callers waiting for one. */
export interface Slots {
  /** Takes a place at once (returns nothing) or queues until the waiter's signal aborts; throws `upstream.busy` when the line is full. */
  acquire(waiter: { readonly signal: AbortSignal }): void | Promise<void>
  release(): void
  /** Takes a place again that was given up for a while, at once and over the limit if need be. */
  retake(): void
}

/** Limits are functions, read at use, because they are settings. */
export function createSlots(limit: () => number, queueLimit: () => number): Slots {
  let taken = 0
  const waiting = new Set<() => void>()

  function queue(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new GatewayError('rpc.cancelled'))
    if (waiting.size >= queueLimit()) {
      throw new GatewayError(
        'upstream.busy',
        `${taken} calls in flight, ${waiting.size} waiting; try again later`,
      )
    }
    return new Promise((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        waiting.delete(admit)
        reject(new GatewayError('rpc.cancelled'))
      }
      waiting.add(admit)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  return {
    acquire(waiter) {
      // A newcomer cannot slip in before those who wait.
      if (taken >= limit() || waiting.size > 0) return queue(waiter.signal)
      taken++
    },
    retake() {
      taken++
    },
    release() {
      taken--
      if (waiting.size === 0) return
      for (const next of waiting) {
        if (taken >= limit()) return
        waiting.delete(next)
        taken++
        next()
      }
    },
  }
}
