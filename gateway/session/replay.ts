const MOST_EVENTS = 256
const MOST_BYTES = 1024 * 1024
const OLDEST_MS = 5 * 60_000

interface Kept {
  stream: number
  sequence: number
  bytes: Uint8Array
  at: number
}

/** The last events of one session's streams, so that a client whose stream broke can ask for the rest. */
export interface Replay {
  /** Keeps an encoded event; the oldest make room. False for one that is larger than everything allowed. */
  keep(stream: number, sequence: number, bytes: Uint8Array): boolean
  after(stream: number, sequence: number): Uint8Array[]
  /** Whether anything of this stream is still here. */
  knows(stream: number): boolean
  expire(): void
}

/** At most 256 events, 1 MiB and 5 minutes. `now` in milliseconds that no clock change moves. */
export function createReplay(now: () => number): Replay {
  const kept: Kept[] = []
  let size = 0

  const expire = (): void => {
    const oldest = now() - OLDEST_MS
    while (kept[0] && kept[0].at < oldest) size -= kept.shift()?.bytes.length ?? 0
  }

  return {
    expire,
    keep(stream, sequence, bytes) {
      if (bytes.length > MOST_BYTES) return false
      kept.push({ stream, sequence, bytes, at: now() })
      size += bytes.length
      while (kept.length > MOST_EVENTS || size > MOST_BYTES) size -= kept.shift()?.bytes.length ?? 0
      return true
    },
    after(stream, sequence) {
      expire()
      return kept.filter((one) => one.stream === stream && one.sequence > sequence).map((one) => one.bytes)
    },
    knows: (stream) => kept.some((one) => one.stream === stream),
  }
}
