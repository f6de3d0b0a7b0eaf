// Texts that are secrets by their looks, whoever they belong to. Every byte is looked at a bounded number of times.
import type { Mark } from './automaton'
import { readValue } from './telling-keys'

interface Shape {
  text: string
  /** Characters that must follow. */
  least: number
}

const shapes: readonly Shape[] = [
  { text: 'mcp_', least: 8 },
  { text: 'ghp_', least: 8 },
  { text: 'gho_', least: 8 },
  { text: 'ghu_', least: 8 },
  { text: 'ghs_', least: 8 },
  { text: 'ghr_', least: 8 },
  { text: 'github_pat_', least: 8 },
  { text: 'glpat-', least: 8 },
  { text: 'sk-', least: 16 },
  { text: 'sk_live_', least: 8 },
  { text: 'rk_live_', least: 8 },
  { text: 'xoxa-', least: 8 },
  { text: 'xoxb-', least: 8 },
  { text: 'xoxp-', least: 8 },
  { text: 'xoxr-', least: 8 },
  { text: 'xoxs-', least: 8 },
  { text: 'AKIA', least: 12 },
  { text: 'ASIA', least: 12 },
  { text: 'AIza', least: 30 },
  { text: 'npm_', least: 20 },
  { text: 'Bearer ', least: 8 },
  { text: 'bearer ', least: 8 },
  { text: 'Basic ', least: 8 },
]

const SHORTEST_JWT = 20
const LONGEST_USERINFO = 2048

const classOf = (characters: RegExp) =>
  Uint8Array.from({ length: 256 }, (_, byte) => (characters.test(String.fromCharCode(byte)) ? 1 : 0))
const wordEnd = classOf(/[A-Za-z0-9]/)
const run = classOf(/[A-Za-z0-9_-]/)
const token = classOf(/[A-Za-z0-9_.~+/=-]/)
const telling = classOf(/[A-Z0-9]/)
const notUserinfo = classOf(/[\s/?#"'`<>\\]/)

const shapesByFirst: readonly (readonly Shape[])[] = Array.from({ length: 256 }, (_, byte) =>
  shapes.filter(({ text }) => text.charCodeAt(0) === byte),
)
const COLON = 0x3a
const EQUALS = 0x3d
const SMALL_E = 0x65
const DASH = 0x2d
const SLASH = 0x2f
const AT = 0x40
const DOT = 0x2e
const triggers = Uint8Array.from({ length: 256 }, (_, byte) =>
  [COLON, EQUALS, SMALL_E, DASH].includes(byte) || (shapesByFirst[byte]?.length ?? 0) > 0 ? 1 : 0,
)

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let n = 0; n < text.length; n++) if (bytes[at + n] !== text.charCodeAt(n)) return false
  return true
}

/** A known beginning and what follows it, if that cannot be the name of a program. Returns where to go on. */
function readShape(bytes: Uint8Array, at: number, { text, least }: Shape, mark: Mark): number {
  const characters = text.endsWith(' ') ? token : run
  const start = at + text.length
  let end = start
  let random = false
  while (end < bytes.length && characters[bytes[end] ?? 0])
    random = telling[bytes[end++] ?? 0] === 1 || random
  if (random && end - start >= least) mark(text.endsWith(' ') ? start : at, end)
  return end
}

/** Three parts of base64url with dots between them. */
function readJwt(bytes: Uint8Array, at: number, mark: Mark): number {
  let end = at
  let dots = 0
  while (end < bytes.length && token[bytes[end] ?? 0]) if (bytes[end++] === DOT) dots++
  if (dots > 0 && end - at >= SHORTEST_JWT) mark(at, end)
  return end
}

/** `user:password@` of a URL; a name alone stays, if it is short. */
function readUserinfo(bytes: Uint8Array, start: number, mark: Mark): number {
  let colon = -1
  let end = -1
  let at = start
  for (; at < bytes.length && at < start + LONGEST_USERINFO && !notUserinfo[bytes[at] ?? 0]; at++) {
    if (bytes[at] === COLON && colon < 0) colon = at
    if (bytes[at] === AT) end = at
  }
  if (end < 0) return start
  if (colon >= 0 && colon < end) mark(colon + 1, end)
  else if (end - start >= 8) mark(start, end)
  return end
}

/** From the first line of a PEM block to its last, or to the end of the text. */
function readPem(bytes: Uint8Array, at: number, mark: Mark): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const head = text.indexOf('-----', at + 11)
  const start = head < 0 ? at + 11 : head + 5
  const last = text.indexOf('-----END ', start)
  const end = last < 0 ? bytes.length : last
  if (end > start) mark(start, end)
  return Math.max(end, at + 1)
}

/** Marks every secret by its looks; places come in the order of their ends. */
export function markTelling(bytes: Uint8Array, mark: Mark): void {
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0
    if (triggers[byte] === 0) {
      at++
      continue
    }
    if (byte === COLON && bytes[at + 1] === SLASH && bytes[at + 2] === SLASH)
      at = readUserinfo(bytes, at + 3, mark)
    else if (byte === COLON || byte === EQUALS) at = readValue(bytes, at, mark)
    else if (byte === DASH) at = startsWith(bytes, at, '-----BEGIN ') ? readPem(bytes, at, mark) : at + 1
    else if (wordEnd[bytes[at - 1] ?? 0]) at++
    else if (startsWith(bytes, at, 'eyJ')) at = readJwt(bytes, at, mark)
    else {
      const shape = shapesByFirst[byte]?.find(({ text }) => startsWith(bytes, at, text))
      at = shape ? readShape(bytes, at, shape, mark) : at + 1
    }
  }
}
