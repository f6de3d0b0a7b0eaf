import type { Runtime } from '../runtime'

/** A start that takes longer waits for the server, not for this machine, and no longer holds up the others. */
const LONGEST_HOLD_MS = 3000

/** Lets a limited number of starts run at the same time, the others in the order they came. */
export interface StartGate {
  /**
   * Waits for a place and runs `start`. The place is free again when that ends, or after three seconds. Rejects with
   * the signal's reason while waiting.
   */
  run<T>(start: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Starts that wait for a place. */
  waiting(): number
}

/** `limit` is read whenever a place may be free, so that a changed setting acts at once. */
export function createStartGate(limit: () => number, { sleep }: Pick<Runtime, 'sleep'>): StartGate {
  const queue: (() => void)[] = []
  let running = 0

  function admit(): void {
    while (running < Math.max(1, limit())) {
      const next = queue.shift()
      if (!next) return
      running++
      next()
    }
  }

  function place(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const enter = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        const at = queue.indexOf(enter)
        if (at >= 0) queue.splice(at, 1)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', leave, { once: true })
      queue.push(enter)
      admit()
    })
  }

  return {
    async run(start, signal) {
      await place(signal)
      const over = new AbortController()
      const free = () => {
        running--
        admit()
      }
      const freed = sleep(LONGEST_HOLD_MS, over.signal).then(free, free)
      try {
        return await start()
      } finally {
        over.abort()
        await freed
      }
    },
    waiting: () => queue.length,
  }
}
