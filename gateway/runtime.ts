import { randomFillSync } from 'node:crypto'

/** Everything a part may want from the world outside, so that a test can stand in for it. Times are epoch milliseconds. */
export interface Runtime {
  now(): number
  /** Milliseconds that never run backwards, for durations; unrelated to `now`. */
  monotonic(): number
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  randomBytes(length: number): Uint8Array
  /** A fraction in [0, 1), for jitter only. */
  random(): number
  newId(): string
  fetch: typeof globalThis.fetch
}

/** The real clock, random source and network. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
  // Not `getRandomValues`: that one keeps a copy of what it gave for a while, and these become keys.
  randomBytes: (length) => randomFillSync(new Uint8Array(length)),
  random: () => Math.random(),
  newId: () => crypto.randomUUID(),
  fetch: globalThis.fetch,
}
