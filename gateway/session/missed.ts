const MOST_MESSAGES = 256
const MOST_BYTES = 1024 * 1024
/** What an event around a message takes at most, so that all of them fit into the queue of one stream. */
const EVENT_BYTES = 256

const cost = (message: Uint8Array | undefined): number => (message ? message.length + EVENT_BYTES : 0)

/** What a client is still to be told once it listens: the newest message of each key. */
export interface Missed {
  readonly size: number
  /** The oldest make room. A message larger than everything allowed is dropped. */
  keep(key: string, message: Uint8Array): void
  /** All of them, oldest first; nothing is left. */
  take(): Uint8Array[]
}

/** At most 256 messages and 1 MiB, with what their events add. */
export function createMissed(): Missed {
  const kept = new Map<string, Uint8Array>()
  let bytes = 0

  const drop = (key: string): void => {
    bytes -= cost(kept.get(key))
    kept.delete(key)
  }

  return {
    get size() {
      return kept.size
    },
    keep(key, message) {
      if (cost(message) > MOST_BYTES) return
      drop(key)
      kept.set(key, message)
      bytes += cost(message)
      for (const oldest of kept.keys()) {
        if (kept.size <= MOST_MESSAGES && bytes <= MOST_BYTES) return
        drop(oldest)
      }
    },
    take() {
      const all = [...kept.values()]
      kept.clear()
      bytes = 0
      return all
    },
  }
}
