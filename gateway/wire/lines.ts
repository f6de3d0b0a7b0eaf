import { createPieces } from './pieces'

/** So much of an oversize line is kept, that the id of the message may be found in it. */
const headBytes = 4096
/** So much of its end is kept too, because many servers write the id last. */
const tailBytes = 256

export interface LineFramer {
  push(chunk: Uint8Array): void
}

/**
 * Cuts a byte stream into lines, however its chunks fall. A line ends with LF; a CR before it, a byte order mark at the
 * start of the stream and blank lines (white space only) are dropped. A line over `maxLineBytes` is discarded up to its
 * newline and reported once, when it goes over, with its first 4 KiB; at its end `onDiscarded` gets its last 256 bytes.
 * Lines may be views into the chunk: who reuses
 * chunk memory copies first.
 */
export function createLineFramer(options: {
  maxLineBytes: number
  onLine(line: Uint8Array): void
  onOversize(head: Uint8Array): void
  onDiscarded?(tail: Uint8Array): void
}): LineFramer {
  const { maxLineBytes, onLine, onOversize, onDiscarded } = options
  const pieces = createPieces()
  let discarding = false
  let atStart = true
  let tail: Uint8Array = new Uint8Array(0)

  const keepTail = (piece: Uint8Array) => {
    const last = piece.subarray(-tailBytes)
    const kept = new Uint8Array(Math.min(tailBytes, tail.length + last.length))
    kept.set(tail.subarray(tail.length - (kept.length - last.length)))
    kept.set(last, kept.length - last.length)
    tail = kept
  }

  const take = (line: Uint8Array) => {
    let start = 0
    if (atStart) {
      atStart = false
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) start = 3
    }
    const end = line[line.length - 1] === 0x0d ? line.length - 1 : line.length
    for (let pos = start; pos < end; pos++) {
      const c = line[pos] as number
      if (c !== 0x20 && c !== 0x09 && c !== 0x0d) {
        onLine(start === 0 && end === line.length ? line : line.subarray(start, end))
        return
      }
    }
  }

  const hold = (piece: Uint8Array) => {
    if (discarding) return keepTail(piece)
    if (piece.length === 0) return
    // The CR of a CRLF that is still to come does not count.
    const counted = pieces.length + piece.length - (piece[piece.length - 1] === 0x0d ? 1 : 0)
    if (counted <= maxLineBytes) return pieces.add(piece)
    discarding = true
    atStart = false
    if (pieces.length < headBytes) pieces.add(piece.subarray(0, headBytes))
    const head = pieces.head(headBytes)
    tail = pieces.take().slice(-tailBytes)
    keepTail(piece)
    onOversize(head)
  }

  const endLine = (piece: Uint8Array) => {
    if (!discarding && pieces.length === 0 && piece.length <= maxLineBytes) return take(piece)
    hold(piece)
    if (!discarding) return take(pieces.take())
    discarding = false
    onDiscarded?.(tail)
  }

  return {
    push(chunk) {
      let from = 0
      for (;;) {
        const newline = chunk.indexOf(0x0a, from)
        if (newline < 0) break
        endLine(chunk.subarray(from, newline))
        from = newline + 1
      }
      if (from < chunk.length) hold(from === 0 ? chunk : chunk.subarray(from))
    },
  }
}
