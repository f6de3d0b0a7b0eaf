// Finds many texts in one pass (Aho and Corasick 1975). Its time depends on the length of what is read, never on what
// is looked for, so that no server can slow the gateway down with a clever line.

/** A prefix of this many bytes is found like the whole: half a token is a leak too. */
const TELLING_PREFIX = 16
/** At the end of a text, which may have been cut there, this much of the beginning counts. */
const TELLING_END = 8
/** Shorter texts are not looked for. */
export const SHORTEST_NEEDLE = 4

/** Told of a place in the text that was found: from `start` up to `end`, exclusive. */
export type Mark = (start: number, end: number) => void

/** `mark` is called with ascending ends; places may overlap. */
export type Automaton = (text: Uint8Array, mark: Mark) => void

// The two alphabets of base64 are one to us: `-` is `+`, `_` is `/`.
const fold = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x2d ? 0x2b : byte === 0x5f ? 0x2f : byte,
)
const folded = (byte: number | undefined): number => fold[byte ?? 0] ?? 0

/** The first three bytes, as a place in a table of 64 Ki. */
const trigram = (a: number, b: number, c: number): number => ((a << 9) ^ (b << 4) ^ c) & 0xffff

export function createAutomaton(needles: readonly Uint8Array[]): Automaton {
  const usable = needles.filter(({ length }) => length >= SHORTEST_NEEDLE)
  const size = usable.reduce((sum, { length }) => sum + length, 1)
  const root = new Int32Array(256)
  const firstChild = new Int32Array(size)
  const sibling = new Int32Array(size)
  const byteOf = new Uint8Array(size)
  const depth = new Uint32Array(size)
  const fail = new Int32Array(size)
  /** Length of the longest find that ends in this state; 0 when none does. */
  const found = new Uint32Array(size)
  const starts = new Uint8Array(0x10000)
  let states = 1

  function step(state: number, byte: number): number {
    if (state === 0) return root[byte] ?? 0
    let child = firstChild[state] ?? 0
    while (child !== 0 && byteOf[child] !== byte) child = sibling[child] ?? 0
    return child
  }

  function insert(needle: Uint8Array): void {
    starts[trigram(folded(needle[0]), folded(needle[1]), folded(needle[2]))] = 1
    let state = 0
    for (const [at, raw] of needle.entries()) {
      const byte = folded(raw)
      let child = step(state, byte)
      if (child === 0) {
        child = states++
        byteOf[child] = byte
        depth[child] = at + 1
        if (state === 0) root[byte] = child
        else {
          sibling[child] = firstChild[state] ?? 0
          firstChild[state] = child
        }
      }
      state = child
      if (at + 1 >= Math.min(needle.length, TELLING_PREFIX)) found[state] = at + 1
    }
  }

  /** Breadth first: where to go on when the next byte does not fit. */
  function link(): void {
    const queue = new Int32Array(size)
    let tail = 0
    for (const child of root) if (child !== 0) queue[tail++] = child
    for (let head = 0; head < tail; head++) {
      const state = queue[head] ?? 0
      for (let child = firstChild[state] ?? 0; child !== 0; child = sibling[child] ?? 0) {
        const byte = byteOf[child] ?? 0
        let back = fail[state] ?? 0
        while (back !== 0 && step(back, byte) === 0) back = fail[back] ?? 0
        const to = step(back, byte)
        fail[child] = to
        if (found[child] === 0) found[child] = found[to] ?? 0
        queue[tail++] = child
      }
    }
  }

  for (const needle of usable) insert(needle)
  link()
  if (usable.length === 0) return () => undefined

  return (text, mark) => {
    const end = text.length
    const last = end - 2
    let state = 0
    for (let at = 0; at < end; at++) {
      const byte = folded(text[at])
      if (state === 0) {
        if (at >= last) break
        if (starts[trigram(byte, folded(text[at + 1]), folded(text[at + 2]))] === 0) continue
      }
      let next = step(state, byte)
      while (next === 0 && state !== 0) {
        state = fail[state] ?? 0
        next = step(state, byte)
      }
      state = next
      const length = found[state] ?? 0
      if (length > 0) mark(at + 1 - length, at + 1)
    }
    const begun = depth[state] ?? 0
    if (begun >= TELLING_END) mark(end - begun, end)
  }
}
