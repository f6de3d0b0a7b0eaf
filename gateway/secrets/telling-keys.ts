// Names in front of a value that say it is a secret: headers, fields of forms and JSON, variables.
import type { Mark } from './automaton'

/**
 * What follows such a name. `always`: a secret. `header`: all that follows on the line. `random`: a secret if it
 * looks like one, because `code` and `state` are also words of every error.
 */
type Kind = 'always' | 'header' | 'random'

const kinds: Record<string, Kind> = {
  authorization: 'header',
  cookie: 'header',
  apikey: 'always',
  mcpkey: 'always',
  codeverifier: 'always',
  accesstoken: 'always',
  refreshtoken: 'always',
  idtoken: 'always',
  clientsecret: 'always',
  assertion: 'always',
  password: 'always',
  passwd: 'always',
  passphrase: 'always',
  privatekey: 'always',
  secretkey: 'always',
  token: 'random',
  secret: 'random',
  code: 'random',
  state: 'random',
}
/** These count as a whole name only: `status_code` and `exitCode` are something else. */
const whole = ['code', 'state']

const LONGEST_NAME = 40
const LONGEST_GUESS = 64
const SHORTEST_RANDOM = 8

const hashStep = (hash: number, lower: number): number => (Math.imul(hash, 31) + lower) | 0
/** Of the letters alone, from the last to the first, as they are met when reading backwards. */
const hashOf = (name: string): number =>
  [...name].reverse().reduce((hash, c) => hashStep(hash, c.charCodeAt(0)), 7)
const kindByHash: ReadonlyMap<number, { kind: Kind; whole: boolean }> = new Map(
  Object.entries(kinds).map(([name, kind]) => [hashOf(name), { kind, whole: whole.includes(name) }]),
)

const classOf = (characters: RegExp) =>
  Uint8Array.from({ length: 256 }, (_, byte) => (characters.test(String.fromCharCode(byte)) ? 1 : 0))
const space = classOf(/[ \t]/)
const quote = classOf(/["'`]/)
const digit = classOf(/[0-9]/)
const lower = classOf(/[a-z]/)
const upper = classOf(/[A-Z]/)
const name = classOf(/[A-Za-z0-9_-]/)
/** Ends a value without quotes. */
const stop = classOf(/[\s&;,"'`<>)\]}\\]/)
const lineEnd = classOf(/[\r\n"'`]/)

const BACKSLASH = 0x5c

/** What the name that ends before `end` says of its value; `query` when it stands behind `?` or `&`. */
function nameBefore(bytes: Uint8Array, end: number): { kind: Kind; query: boolean } | null {
  let at = end - 1
  for (const limit = at - 2; at > limit && space[bytes[at] ?? 0]; ) at--
  for (const limit = at - 8; at > limit && (quote[bytes[at] ?? 0] || bytes[at] === BACKSLASH); ) at--
  let hash = 7
  let kind: Kind | null = null
  for (const limit = at - LONGEST_NAME; at >= 0 && at > limit && name[bytes[at] ?? 0]; at--) {
    const byte = bytes[at] ?? 0
    const before = bytes[at - 1] ?? 0
    if (!lower[byte] && !upper[byte]) {
      if (digit[byte]) return kind && { kind, query: false }
      continue
    }
    hash = hashStep(hash, byte | 0x20)
    const edge = !name[before]
    const seam = edge || !(lower[before] || upper[before]) || (upper[byte] === 1 && lower[before] === 1)
    const known = seam ? kindByHash.get(hash) : undefined
    if (known && (edge || !known.whole)) kind = kind === 'always' ? kind : known.kind
  }
  const before = bytes[at]
  return kind && { kind, query: before === 0x3f || before === 0x26 }
}

/** Whether a value was made by chance rather than by a person. */
function looksRandom(bytes: Uint8Array, start: number, end: number): boolean {
  let digits = false
  let small = false
  let capital = false
  for (let at = start; at < Math.min(end, start + LONGEST_GUESS); at++) {
    const byte = bytes[at] ?? 0
    digits ||= digit[byte] === 1
    small ||= lower[byte] === 1
    capital ||= upper[byte] === 1
  }
  const length = end - start
  return small && ((digits && length >= SHORTEST_RANDOM) || (capital && length >= 2 * SHORTEST_RANDOM))
}

const schemes = ['bearer ', 'basic ', 'token ']

/** Where the value starts once a scheme such as `Bearer ` is passed over. */
function afterScheme(bytes: Uint8Array, at: number): number {
  const head = String.fromCharCode(...bytes.subarray(at, at + 7)).toLowerCase()
  return at + (schemes.find((scheme) => head.startsWith(scheme))?.length ?? 0)
}

/** Reads the value behind the `:` or `=` at `at` if the name before it is telling. Returns where to go on. */
export function readValue(bytes: Uint8Array, at: number, mark: Mark): number {
  const told = nameBefore(bytes, at)
  if (!told) return at + 1
  let start = at + 1
  for (const limit = start + 4; start < limit && space[bytes[start] ?? 0]; ) start++
  let depth = 0
  while (depth < 8 && bytes[start + depth] === BACKSLASH) depth++
  const opening = bytes[start + depth] ?? 0
  let end = start
  if (quote[opening]) {
    start += depth + 1
    end = closing(bytes, start, opening, depth)
  } else if (told.kind === 'header' && bytes[at] === 0x3a) {
    while (end < bytes.length && !lineEnd[bytes[end] ?? 0]) end++
  } else {
    const limit = told.kind === 'random' && !told.query ? start + LONGEST_GUESS : bytes.length
    end = told.kind === 'random' ? start : afterScheme(bytes, start)
    while (end < limit && end < bytes.length && !stop[bytes[end] ?? 0]) end++
    // What was guessed from is all of it.
    if (end === limit && looksRandom(bytes, start, end))
      while (end < bytes.length && !stop[bytes[end] ?? 0]) end++
  }
  if (told.kind === 'random' && !told.query && !looksRandom(bytes, start, end)) return at + 1
  if (isHidden(bytes, start)) return end
  if (end > start) mark(start, end)
  return Math.max(end, at + 1)
}

/** What was taken out before is not taken out of again. */
const isHidden = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x5b && String.fromCharCode(...bytes.subarray(at, at + 8)) === '[secret]'

/** The quote that ends what one with `depth` backslashes before it began; the end of the text when there is none. */
function closing(bytes: Uint8Array, start: number, opening: number, depth: number): number {
  let backslashes = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === BACKSLASH) backslashes++
    else if (byte === opening && backslashes <= depth) return at - backslashes
    else backslashes = 0
  }
  return bytes.length
}
