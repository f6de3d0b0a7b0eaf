/** What of one server is ending: its next start waits for that. */
export interface Endings {
  /** Resolves when this and all before it are over, well or not. */
  add(work: Promise<unknown>): Promise<void>
  over(): Promise<void>
}

export function createEndings(): Endings {
  let last: Promise<unknown> | null = null
  return {
    async add(work) {
      const all = Promise.allSettled([last, work])
      last = all
      await all
      if (last === all) last = null
    },
    async over() {
      await last
    },
  }
}
