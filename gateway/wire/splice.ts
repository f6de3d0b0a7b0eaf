import type { Edit } from './envelope'

/**
 * A copy of `bytes` with the edits applied; everything outside them stays byte for byte. Edits ascend and do not
 * overlap; an empty one inserts. Without edits the same array comes back. Throws RangeError for edits out of order.
 */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  if (edits.length === 0) return bytes
  let length = bytes.length
  let read = 0
  for (const edit of edits) {
    if (edit.start < read || edit.end < edit.start || edit.end > bytes.length) {
      throw new RangeError('edits overlap or lie outside the message')
    }
    length += edit.with.length - (edit.end - edit.start)
    read = edit.end
  }
  const out = new Uint8Array(length)
  let written = 0
  read = 0
  for (const edit of edits) {
    written = copy(out, written, bytes, read, edit.start)
    written = copy(out, written, edit.with, 0, edit.with.length)
    read = edit.end
  }
  copy(out, written, bytes, read, bytes.length)
  return out
}

/** A loop for short pieces: a view and a native copy cost more than sixty bytes do. */
function copy(out: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  if (end - start > 64) {
    out.set(from.subarray(start, end), at)
    return at + end - start
  }
  let to = at
  for (let pos = start; pos < end; pos++) out[to++] = from[pos] as number
  return to
}

/**
 * A JSON text as one line: newlines between tokens become spaces (inside strings JSON has none). The same array when
 * there are none.
 */
export function oneLine(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x0a) && !bytes.includes(0x0d)) return bytes
  const out = bytes.slice()
  for (let pos = 0; pos < out.length; pos++) if (out[pos] === 0x0a || out[pos] === 0x0d) out[pos] = 0x20
  return out
}

/** All pieces behind one another, in an array of their own. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const piece of pieces) length += piece.length
  const out = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}
