import { systemRuntime, type Runtime } from '../../gateway/runtime'

/** A clock that moves when it is told, and wakes those who sleep on the way, one after the other. */
export interface FakeTime {
  runtime: Runtime
  /** Moves on by so many milliseconds. What wakes has time to do its work, requests to this machine too. */
  pass(ms: number): Promise<void>
  /** Sets what `now` says and nothing else, like a person does. */
  set(now: number): void
}

export function fakeTime(start = 1_700_000_000_000): FakeTime {
  let passed = 0
  let offset = start
  const sleepers = new Set<{ at: number; wake(): void }>()
  let fetching = 0
  const fetch = async (...request: Parameters<typeof globalThis.fetch>) => {
    fetching++
    try {
      return await systemRuntime.fetch(...request)
    } finally {
      fetching--
    }
  }
  /** Until what is asked for over the network is there, or does not come; then for what follows from it. */
  async function settle(): Promise<void> {
    await Bun.sleep(2)
    for (let turns = 0; fetching > 0 && turns < 200; turns++) await Bun.sleep(5)
    await Bun.sleep(2)
  }
  const runtime: Runtime = {
    ...systemRuntime,
    fetch: Object.assign(fetch, { preconnect: systemRuntime.fetch.preconnect }),
    now: () => offset + passed,
    monotonic: () => passed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const sleeper = {
          at: passed + ms,
          wake() {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', leave)
            resolve()
          },
        }
        const leave = () => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', leave, { once: true })
      }),
  }
  return {
    runtime,
    set: (now) => void (offset = now - passed),
    async pass(ms) {
      const end = passed + ms
      for (;;) {
        const next = [...sleepers].toSorted((a, b) => a.at - b.at)[0]
        if (!next || next.at > end) break
        passed = Math.max(passed, next.at)
        next.wake()
        await settle()
      }
      passed = end
      await settle()
    },
  }
}
