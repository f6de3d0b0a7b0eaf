/** Collects bytes that arrive in pieces. Its memory is at most about twice what it holds, however small they are. */
export interface Pieces {
  readonly length: number
  add(piece: Uint8Array): void
  /** The first bytes, copied. */
  head(length: number): Uint8Array
  /** Everything collected, as one array that is the caller's; the collection is empty again. */
  take(): Uint8Array
}

export function createPieces(): Pieces {
  let buffer = new Uint8Array(0)
  let length = 0
  return {
    get length() {
      return length
    },
    add(piece) {
      if (length + piece.length > buffer.length) {
        const larger = new Uint8Array(Math.max(256, (length + piece.length) * 2))
        larger.set(buffer.subarray(0, length))
        buffer = larger
      }
      buffer.set(piece, length)
      length += piece.length
    },
    head: (most) => buffer.slice(0, Math.min(most, length)),
    take() {
      const all = buffer.subarray(0, length)
      buffer = new Uint8Array(0)
      length = 0
      return all
    },
  }
}
