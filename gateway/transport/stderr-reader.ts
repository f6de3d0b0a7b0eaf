import type { ServerLog } from './server-log'

const BLOCK_BYTES = 16 * 1024
const BLOCKS = 16
const LONGEST_LINE = 8 * 1024
const NEWLINE = 0x0a
const TURN_BYTES = 1024 * 1024

/** Reads a server's stderr for as long as it lasts: an unread pipe would stop the server. */
export interface StderrReader {
  /** Resolves at the end of the stream. Never rejects. */
  readonly ended: Promise<void>
  /** The end of what came, cleaned, at most `length` characters; at most 256 KiB are kept. */
  tail(length: number): string
  cancel(): void
}

export function readStderr(stream: ReadableStream<Uint8Array>, log: ServerLog): StderrReader {
  const reader = stream.getReader()
  const blocks: Uint8Array[] = []
  let used = BLOCK_BYTES
  let start: Uint8Array[] = []
  let startBytes = 0

  // Blocks of one size, so that a server that writes single bytes costs no more than any other.
  function keep(chunk: Uint8Array): void {
    for (let from = Math.max(0, chunk.length - BLOCK_BYTES * BLOCKS); from < chunk.length; ) {
      if (used === BLOCK_BYTES) {
        blocks.push(new Uint8Array(BLOCK_BYTES))
        if (blocks.length > BLOCKS) blocks.shift()
        used = 0
      }
      const piece = chunk.subarray(from, from + BLOCK_BYTES - used)
      blocks.at(-1)?.set(piece, used)
      used += piece.length
      from += piece.length
    }
  }

  function hold(piece: Uint8Array): void {
    if (startBytes >= LONGEST_LINE || piece.length === 0) return
    start.push(piece.slice(0, LONGEST_LINE - startBytes))
    startBytes += piece.length
  }

  function endLine(piece: Uint8Array): void {
    if (startBytes === 0 && piece.length === 0) return
    if (log.room()) {
      hold(piece)
      log.write('Connection', Buffer.concat(start).toString('utf8').trimEnd())
    }
    start = []
    startBytes = 0
  }

  function split(chunk: Uint8Array): void {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      endLine(chunk.subarray(from, at))
      from = at + 1
    }
    hold(chunk.subarray(from))
  }

  async function drain(): Promise<void> {
    for (let sinceTurn = 0; ; ) {
      const { value, done } = await reader.read()
      if (done) break
      keep(value)
      split(value)
      sinceTurn += value.length
      if (sinceTurn < TURN_BYTES) continue
      sinceTurn = 0
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    if (startBytes > 0) endLine(new Uint8Array(0))
  }

  return {
    ended: drain().catch(() => undefined),
    tail(length) {
      const kept = Buffer.concat(blocks, Math.max(0, (blocks.length - 1) * BLOCK_BYTES + used))
      // All of it: a secret that was cut in two would not be found.
      return log
        .clean(
          kept
            .toString('utf8')
            .trim()
            .replaceAll(/\s*\n\s*/g, ' · '),
        )
        .slice(-length)
        .trim()
    },
    cancel: () => void reader.cancel().catch(() => undefined),
  }
}
