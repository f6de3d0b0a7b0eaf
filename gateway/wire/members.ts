import { type Member, type Span, WireError } from './envelope'
import { spells } from './text'

// Looks into values of a message that `scanMessage` accepted. Offsets only, nothing is validated again; bytes that are
// not valid JSON give an error or a wrong span, never an endless loop.

/**
 * One member of an object by its key (ASCII), escapes in the message decoded; anything but an object has none. Throws
 * WireError 'duplicate' when it is repeated: who judges and who obeys must see the same value.
 */
export function member(bytes: Uint8Array, object: Span, key: string): Span | null {
  if (object.members) return listed(bytes, object.members, key)
  let found: Span | null = null
  eachMember(bytes, object, (keyStart, keyEnd, start, end) => {
    if (!spells(bytes, keyStart, keyEnd, key)) return
    if (found !== null) throw duplicate(key)
    found = { start, end }
  })
  return found
}

function listed(bytes: Uint8Array, members: readonly Member[], key: string): Span | null {
  let found: Span | null = null
  for (const { key: token, value } of members) {
    if (!spells(bytes, token.start, token.end, key)) continue
    if (found !== null) throw duplicate(key)
    found = value
  }
  return found
}

/** Keeps the members of an object that will be asked for many, so that its bytes are walked once. */
export function indexMembers(bytes: Uint8Array, object: Span): void {
  object.members ??= entries(bytes, object)
}

/** The elements of an array in order. Anything but an array has none. */
export function elements(bytes: Uint8Array, array: Span): Span[] {
  const found: Span[] = []
  if (bytes[array.start] !== 0x5b) return found
  let pos = skipSpace(bytes, array.start + 1)
  if (bytes[pos] === 0x5d) return found
  for (;;) {
    const end = skipValue(bytes, pos)
    found.push({ start: pos, end })
    pos = skipSpace(bytes, end)
    if (bytes[pos] === 0x5d) return found
    pos = skipSpace(bytes, behind(bytes, pos, 0x2c))
  }
}

/** The members of an object in order, keys as the string tokens they are. Anything but an object has none. */
export function entries(bytes: Uint8Array, object: Span): readonly Member[] {
  if (object.members) return object.members
  const found: Member[] = []
  eachMember(bytes, object, (keyStart, keyEnd, start, end) =>
    found.push({ key: { start: keyStart, end: keyEnd }, value: { start, end } }),
  )
  return found
}

/** The bytes of a span, not copied. */
export const rawOf = (bytes: Uint8Array, span: Span): Uint8Array => bytes.subarray(span.start, span.end)

const duplicate = (key: string) => new WireError('duplicate', `"${key}" is given twice`)

function eachMember(
  bytes: Uint8Array,
  object: Span,
  visit: (keyStart: number, keyEnd: number, start: number, end: number) => unknown,
): void {
  if (bytes[object.start] !== 0x7b) return
  let pos = skipSpace(bytes, object.start + 1)
  if (bytes[pos] === 0x7d) return
  for (;;) {
    const keyEnd = skipString(bytes, behind(bytes, pos, 0x22))
    const start = skipSpace(bytes, behind(bytes, skipSpace(bytes, keyEnd), 0x3a))
    const end = skipValue(bytes, start)
    visit(pos, keyEnd, start, end)
    pos = skipSpace(bytes, end)
    if (bytes[pos] === 0x7d) return
    pos = skipSpace(bytes, behind(bytes, pos, 0x2c))
  }
}

function behind(bytes: Uint8Array, pos: number, expected: number): number {
  if (bytes[pos] !== expected) throw broken(pos)
  return pos + 1
}

const broken = (offset: number) => new WireError('parse', `unexpected byte at offset ${offset}`)

function skipSpace(bytes: Uint8Array, from: number): number {
  let pos = from
  for (;;) {
    const c = bytes[pos]
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return pos
    pos++
  }
}

function skipValue(bytes: Uint8Array, from: number): number {
  const first = bytes[from]
  if (first === 0x22) return skipString(bytes, from + 1)
  if (first === 0x7b || first === 0x5b) return skipContainer(bytes, from)
  let pos = from
  while (pos < bytes.length && !endsToken(bytes[pos] as number)) pos++
  if (pos === from) throw broken(pos)
  return pos
}

/** Comma, closing bracket or brace, white space. */
const endsToken = (c: number): boolean => c === 0x2c || c === 0x5d || c === 0x7d || c <= 0x20

function skipContainer(bytes: Uint8Array, from: number): number {
  const { length } = bytes
  let depth = 0
  let pos = from
  while (pos < length) {
    const c = bytes[pos] as number
    pos++
    if (c === 0x22) pos = skipString(bytes, pos)
    else if (c === 0x7b || c === 0x5b) depth++
    else if ((c === 0x7d || c === 0x5d) && --depth === 0) return pos
  }
  throw broken(length)
}

/** From behind the opening quote to behind the closing one; long strings by native search. */
function skipString(bytes: Uint8Array, from: number): number {
  const { length } = bytes
  const near = Math.min(from + 48, length)
  let pos = from
  while (pos < near) {
    const c = bytes[pos] as number
    if (c === 0x22) return pos + 1
    pos += c === 0x5c ? 2 : 1
  }
  // `pos` is not behind a backslash here, so that a quote is escaped if an odd number of them stands before it.
  for (let quote = pos; ; quote++) {
    quote = bytes.indexOf(0x22, quote)
    if (quote < 0) throw broken(length)
    let slashes = quote
    while (slashes > pos && bytes[slashes - 1] === 0x5c) slashes--
    if (((quote - slashes) & 1) === 0) return quote + 1
  }
}
