/** A text with its escapes undone. `starts[n]` is where byte n came from; one entry more than bytes. */
export interface View {
  bytes: Uint8Array
  starts: Uint32Array
}

/**
 * `percent`: `%41`. `form`: the same, and `+` is a space. `string`: `\n`, `\"`, `\u0041`, `\x41`. `terminal`: colours,
 * of which nothing remains.
 */
export type Escapes = 'percent' | 'form' | 'string' | 'terminal'

const PERCENT = 0x25
const BACKSLASH = 0x5c
const PLUS = 0x2b
const ESCAPE = 0x1b
/** What is longer is no colour. */
const LONGEST_SEQUENCE = 64

const hexDigit = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(digit) ? -1 : digit
})
// What follows a backslash and what is meant by it; 0 when it is no escape.
const simple = Uint8Array.from({ length: 256 }, (_, byte) => {
  const meant: Record<string, number> = { b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 }
  const character = String.fromCharCode(byte)
  return meant[character] ?? ('\\"\'/`'.includes(character) ? byte : 0)
})

/** The value of `count` hex digits, or -1. */
function hexAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let n = 0; n < count; n++) {
    const digit = hexDigit[bytes[at + n] ?? 0] ?? -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

/** `\uXXXX` or `\xXX` at a backslash; two halves of a pair count as one. */
function codePoint(bytes: Uint8Array, at: number): { point: number; length: number } | null {
  const kind = bytes[at + 1]
  if (kind === 0x78) {
    const point = hexAt(bytes, at + 2, 2)
    return point < 0 ? null : { point, length: 4 }
  }
  if (kind !== 0x75) return null
  const point = hexAt(bytes, at + 2, 4)
  if (point < 0) return null
  if (point >= 0xd800 && point < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === 0x75) {
    const low = hexAt(bytes, at + 8, 4)
    if (low >= 0xdc00 && low < 0xe000)
      return { point: 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00), length: 12 }
  }
  return { point: point >= 0xd800 && point < 0xe000 ? 0xfffd : point, length: 6 }
}

function utf8(point: number): readonly number[] {
  if (point < 0x80) return [point]
  if (point < 0x800) return [0xc0 | (point >> 6), 0x80 | (point & 63)]
  if (point < 0x10000) return [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)]
  return [0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63)]
}

/**
 * What is meant by the escape at `at`: one byte or a code point, or nothing (-1), and its length; null when it is none.
 */
type Reader = (bytes: Uint8Array, at: number) => { point: number; length: number } | null

const readers: Record<Escapes, Reader> = {
  percent(bytes, at) {
    const point = bytes[at] === PERCENT ? hexAt(bytes, at + 1, 2) : -1
    return point < 0 ? null : { point, length: 3 }
  },
  form(bytes, at) {
    return bytes[at] === PLUS ? { point: 0x20, length: 1 } : readers.percent(bytes, at)
  },
  string(bytes, at) {
    if (bytes[at] !== BACKSLASH) return null
    const point = simple[bytes[at + 1] ?? 0] ?? 0
    return point > 0 ? { point, length: 2 } : codePoint(bytes, at)
  },
  terminal(bytes, at) {
    if (bytes[at] !== ESCAPE) return null
    if (bytes[at + 1] !== 0x5b) return { point: -1, length: 2 }
    // ECMA-48 5.4: parameters and intermediates, then one byte from `@` to `~`.
    let length = 2
    while (length < LONGEST_SEQUENCE && (bytes[at + length] ?? 0x40) < 0x40) length++
    return { point: -1, length: Math.min(length + 1, bytes.length - at) }
  },
}
const signs = Uint8Array.from({ length: 256 }, (_, byte) =>
  [PERCENT, BACKSLASH, PLUS, ESCAPE].includes(byte) ? 1 : 0,
)

/** Undoes escapes once; null when there are none. `from` says where the bytes given came from. */
export function unescape(bytes: Uint8Array, escapes: Escapes, from: Uint32Array | null): View | null {
  const read = readers[escapes]
  // A percent sign stands for a byte, a backslash for a character.
  const wide = escapes === 'string'
  const out = new Uint8Array(bytes.length)
  const starts = new Uint32Array(bytes.length + 1)
  let length = 0
  let undone = false
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0
    const meant = signs[byte] === 1 ? read(bytes, at) : null
    const start = from === null ? at : (from[at] ?? 0)
    if (meant !== null && wide && meant.point >= 0x80)
      for (const one of utf8(meant.point)) {
        starts[length] = start
        out[length++] = one
      }
    else if (meant === null || meant.point >= 0) {
      starts[length] = start
      out[length++] = meant === null ? byte : meant.point
    }
    at += meant === null ? 1 : meant.length
    undone ||= meant !== null
  }
  if (!undone) return null
  starts[length] = from?.[bytes.length] ?? bytes.length
  return { bytes: out.subarray(0, length), starts }
}
