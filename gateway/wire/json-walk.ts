import { WireError } from './envelope'

// A JSON validator (RFC 8259, exactly what JSON.parse accepts) that keeps offsets and decodes nothing. It is one loop
// without recursion that can stop at any offset and go on later, so that huge messages are walked in slices.

/** Containers may nest this deep; the next one is refused. */
const maxDepth = 256

const object = 1
const array = 2

const value = 0
const valueOrEnd = 1
const key = 2
const keyOrEnd = 3
const colon = 4
const commaOrEnd = 5
const finished = 6
const insideValueString = 7
const insideKeyString = 8

/** Why `advance` came back: a member of the outermost object is complete, the limit is reached, or the text is. */
export const step = { member: 0, limit: 1, done: 2 } as const
export type Step = (typeof step)[keyof typeof step]

/** Where a walk stands. After `step.member`: the key is the token [keyStart, keyEnd) with its quotes. */
export interface Walk {
  readonly bytes: Uint8Array
  pos: number
  depth: number
  state: number
  /** Kind of the container at each depth. */
  readonly kinds: Uint8Array
  /** Offset of `bytes` in its buffer, for alignment. */
  readonly shift: number
  /** The aligned whole words of `bytes`, made when the first long string is met. */
  words: Int32Array | null
  keyStart: number
  keyEnd: number
  valueStart: number
  valueEnd: number
}

/** A walk before the first byte of `bytes`, which must not change until it ends. */
export const startWalk = (bytes: Uint8Array): Walk => ({
  bytes,
  pos: 0,
  depth: 0,
  state: value,
  kinds: new Uint8Array(maxDepth + 1),
  shift: bytes.byteOffset,
  words: null,
  keyStart: 0,
  keyEnd: 0,
  valueStart: 0,
  valueEnd: 0,
})

/**
 * Walks on until a member of the outermost object ends, until `limit` or to the end of the text. May pass `limit` by
 * one token. Throws WireError 'parse' or 'depth'; the walk is of no use afterwards.
 */
export function advance(walk: Walk, limit: number): Step {
  const { bytes, kinds } = walk
  const length = bytes.length
  let { pos, depth, state } = walk
  if (state >= insideValueString) {
    pos = skipString(walk, pos, limit)
    if (pos < 0) return step.limit
    if (state === insideKeyString) {
      if (depth === 1) walk.keyEnd = pos
      state = colon
    } else {
      state = depth === 0 ? finished : commaOrEnd
      if (depth === 1 && kinds[1] === object) return member(walk, pos)
    }
  }
  loop: while (pos < limit) {
    let c = bytes[pos] as number
    while (c <= 0x20) {
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) throw unexpected(pos)
      if (++pos >= limit) break loop
      c = bytes[pos] as number
    }
    if (state <= valueOrEnd) {
      if (depth === 1) walk.valueStart = pos
      if (c === 0x22) {
        let next = skipShort(bytes, pos + 1, limit)
        if (next < 0) next = skipString(walk, pos + 1, limit)
        if (next < 0) {
          walk.depth = depth
          walk.state = insideValueString
          return step.limit
        }
        pos = next
      } else if (c === 0x7b || c === 0x5b) {
        if (depth === maxDepth) throw new WireError('depth', `nested more than ${maxDepth} deep`)
        depth++
        kinds[depth] = c === 0x7b ? object : array
        state = c === 0x7b ? keyOrEnd : valueOrEnd
        pos++
        continue
      } else if (c === 0x5d) {
        if (state !== valueOrEnd) throw unexpected(pos)
        depth--
        pos++
      } else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
        pos = skipNumber(bytes, pos)
      } else {
        pos = skipLiteral(bytes, pos, c)
      }
    } else if (state === commaOrEnd) {
      if (c === 0x2c) {
        state = kinds[depth] === object ? key : value
        pos++
        continue
      }
      if (c !== (kinds[depth] === object ? 0x7d : 0x5d)) throw unexpected(pos)
      depth--
      pos++
    } else if (state === key || state === keyOrEnd) {
      if (c === 0x22) {
        if (depth === 1) walk.keyStart = pos
        let next = skipShort(bytes, pos + 1, limit)
        if (next < 0) next = skipString(walk, pos + 1, limit)
        if (next < 0) {
          walk.depth = depth
          walk.state = insideKeyString
          return step.limit
        }
        pos = next
        if (depth === 1) walk.keyEnd = pos
        if (pos < limit && bytes[pos] === 0x3a) {
          pos++
          state = value
        } else state = colon
        continue
      }
      if (c !== 0x7d || state === key) throw unexpected(pos)
      depth--
      pos++
    } else if (state === colon && c === 0x3a) {
      state = value
      pos++
      continue
    } else {
      throw unexpected(pos)
    }
    // A value is complete, at the depth it stands in.
    state = depth === 0 ? finished : commaOrEnd
    if (depth === 1 && kinds[1] === object) {
      walk.depth = depth
      return member(walk, pos)
    }
  }
  walk.pos = pos
  walk.depth = depth
  walk.state = state
  if (pos < length) return step.limit
  if (state !== finished) throw new WireError('parse', 'the text ends too early')
  return step.done
}

function member(walk: Walk, end: number): Step {
  walk.pos = end
  walk.state = commaOrEnd
  walk.valueEnd = end
  return step.member
}

const unexpected = (offset: number) => new WireError('parse', `unexpected byte at offset ${offset}`)

/** `skipString` for the common case, small enough to be inlined: -1 when the string is long or has an escape. */
function skipShort(bytes: Uint8Array, from: number, limit: number): number {
  const near = limit < from + 24 ? limit : from + 24
  for (let pos = from; pos < near; pos++) {
    const c = bytes[pos] as number
    if (c === 0x22) return pos + 1
    if (c === 0x5c || c < 0x20) return -1
  }
  return -1
}

/** From behind the opening quote to behind the closing one; -1 when `limit` came first, `walk.pos` then says where to go on. */
function skipString(walk: Walk, from: number, limit: number): number {
  const { bytes, shift } = walk
  let pos = from
  let long = from + 24
  while (pos < limit) {
    const c = bytes[pos] as number
    if (c === 0x22) return pos + 1
    if (c < 0x20) throw new WireError('parse', `control character in a string at offset ${pos}`)
    if (c === 0x5c) pos = skipEscape(bytes, pos)
    else pos++
    if (pos >= long && ((pos + shift) & 3) === 0) {
      pos = skipPlain(walk, pos, limit)
      long = pos + 1
    }
  }
  if (pos >= bytes.length) throw new WireError('parse', 'the text ends inside a string')
  walk.pos = pos
  return -1
}

/** Skips whole words in which no byte is a quote, a backslash or a control character. `from` is at a word's start. */
function skipPlain(walk: Walk, from: number, limit: number): number {
  const words = (walk.words ??= wordsOf(walk.bytes))
  const first = -walk.shift & 3
  const stop = Math.min((limit - first) >> 2, words.length)
  let index = (from - first) >> 2
  while (index < stop && (special(words[index] as number) & 0x80808080) === 0) index++
  return first + index * 4
}

/**
 * Marks the top bit of bytes that end or interrupt a plain run: `(b ^ 2) < 0x21` holds for control characters and the
 * quote, `(b ^ 0x5c) < 1` for the backslash; `& ~word` leaves out bytes of 0x80 and more. A borrow reaches only bytes
 * above a true mark.
 */
const special = (word: number): number =>
  (((word ^ 0x02020202) - 0x21212121) | ((word ^ 0x5c5c5c5c) - 0x01010101)) & ~word

function wordsOf(bytes: Uint8Array): Int32Array {
  const first = -bytes.byteOffset & 3
  const count = (bytes.length - first) >> 2
  return count <= 0 ? new Int32Array(0) : new Int32Array(bytes.buffer, bytes.byteOffset + first, count)
}

function skipEscape(bytes: Uint8Array, pos: number): number {
  switch (bytes[pos + 1]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return pos + 2
    case 0x75: // u
      for (let index = pos + 2; index < pos + 6; index++) if (!isHex(bytes[index])) throw unexpected(index)
      return pos + 6
    default:
      throw unexpected(pos + 1)
  }
}

const isHex = (c: number | undefined): boolean =>
  c !== undefined && ((c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66))

const isDigit = (c: number | undefined): boolean => c !== undefined && c >= 0x30 && c <= 0x39

function skipDigits(bytes: Uint8Array, from: number): number {
  if (!isDigit(bytes[from])) throw unexpected(from)
  let pos = from + 1
  while (isDigit(bytes[pos])) pos++
  return pos
}

function skipNumber(bytes: Uint8Array, from: number): number {
  let pos = bytes[from] === 0x2d ? from + 1 : from
  pos = bytes[pos] === 0x30 ? pos + 1 : skipDigits(bytes, pos)
  if (bytes[pos] === 0x2e) pos = skipDigits(bytes, pos + 1)
  const exponent = bytes[pos]
  if (exponent === 0x65 || exponent === 0x45) {
    const sign = bytes[pos + 1]
    pos = skipDigits(bytes, sign === 0x2b || sign === 0x2d ? pos + 2 : pos + 1)
  }
  return pos
}

function skipLiteral(bytes: Uint8Array, pos: number, first: number): number {
  const b = bytes[pos + 1]
  const c = bytes[pos + 2]
  const d = bytes[pos + 3]
  if (first === 0x74 && b === 0x72 && c === 0x75 && d === 0x65) return pos + 4
  if (first === 0x6e && b === 0x75 && c === 0x6c && d === 0x6c) return pos + 4
  if (first === 0x66 && b === 0x61 && c === 0x6c && d === 0x73 && bytes[pos + 4] === 0x65) return pos + 5
  throw unexpected(pos)
}
