import { isUtf8 } from 'node:buffer'
import { type Envelope, type Span, WireError } from './envelope'
import { advance, startWalk, step, type Walk } from './json-walk'
import { spells, textOf } from './text'

/** From this size on callers use `scanMessageAsync`: shorter messages take less than a millisecond. */
export const bigMessageBytes = 1024 * 1024

const sliceBytes = 512 * 1024

interface Parts {
  jsonrpc: Span | null
  id: Span | null
  method: Span | null
  params: Span | null
  result: Span | null
  error: Span | null
  repeated: boolean
}

/**
 * Finds the envelope of one JSON-RPC 2.0 message. The whole text is validated as JSON.parse would, on valid UTF-8
 * without a byte order mark, and nothing of it is changed. Unknown members are allowed. Throws WireError: 'parse',
 * 'depth' (more than 256 containers inside each other), 'batch' (an array), 'duplicate' (an envelope member twice),
 * 'invalid' (JSON, but no message). Ids are strings, or integers within ±(2^53 - 1) without fraction or exponent.
 */
export function scanMessage(bytes: Uint8Array): Envelope {
  const walk = begin(bytes)
  const parts = noParts()
  while (advance(walk, bytes.length) === step.member) note(parts, walk)
  return envelopeOf(bytes, parts, walk)
}

/** The same for messages of any size: gives the event loop a turn after every half mebibyte. */
export async function scanMessageAsync(bytes: Uint8Array): Promise<Envelope> {
  const walk = begin(bytes)
  const parts = noParts()
  for (let limit = sliceBytes; ; limit += sliceBytes) {
    const stop = Math.min(limit, bytes.length)
    let reached = advance(walk, stop)
    while (reached === step.member) {
      note(parts, walk)
      reached = advance(walk, stop)
    }
    if (reached === step.done) return envelopeOf(bytes, parts, walk)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

function begin(bytes: Uint8Array): Walk {
  if (!isUtf8(bytes)) throw new WireError('parse', 'not valid UTF-8')
  const walk = startWalk(bytes)
  if (bytes[firstByte(bytes)] === 0x5b) throw new WireError('batch', 'an array of messages')
  return walk
}

function firstByte(bytes: Uint8Array): number {
  let pos = 0
  while (bytes[pos] === 0x20 || bytes[pos] === 0x0a || bytes[pos] === 0x0d || bytes[pos] === 0x09) pos++
  return pos
}

const noParts = (): Parts => ({
  jsonrpc: null,
  id: null,
  method: null,
  params: null,
  result: null,
  error: null,
  repeated: false,
})

function note(parts: Parts, walk: Walk): void {
  const name = nameOf(walk)
  if (name === null) return
  if (parts[name] !== null) parts.repeated = true
  parts[name] = { start: walk.valueStart, end: walk.valueEnd }
}

function nameOf({ bytes, keyStart, keyEnd }: Walk): EnvelopeKey | null {
  switch (keyEnd - keyStart) {
    case 4:
      return spells(bytes, keyStart, keyEnd, 'id') ? 'id' : null
    case 7:
      return spells(bytes, keyStart, keyEnd, 'error') ? 'error' : null
    case 8:
      return plainKey(bytes, keyStart, keyEnd)
    case 9:
      return spells(bytes, keyStart, keyEnd, 'jsonrpc') ? 'jsonrpc' : escapedKey(bytes, keyStart, keyEnd)
    default:
      return escapedKey(bytes, keyStart, keyEnd)
  }
}

function plainKey(bytes: Uint8Array, start: number, end: number): EnvelopeKey | null {
  const first = bytes[start + 1]
  if (first === 0x6d) return spells(bytes, start, end, 'method') ? 'method' : null
  if (first === 0x70) return spells(bytes, start, end, 'params') ? 'params' : null
  if (first === 0x72) return spells(bytes, start, end, 'result') ? 'result' : null
  return null
}

const keys = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'] as const
type EnvelopeKey = (typeof keys)[number]

/** A key may spell any of its characters as \uXXXX, which makes a token of at least nine bytes, quotes included. */
function escapedKey(bytes: Uint8Array, start: number, end: number): EnvelopeKey | null {
  for (const key of keys) if (spells(bytes, start, end, key)) return key
  return null
}

function envelopeOf(bytes: Uint8Array, parts: Parts, walk: Walk): Envelope {
  if (parts.repeated) throw new WireError('duplicate', 'a member of the envelope is given twice')
  if (parts.jsonrpc === null || !isVersion(bytes, parts.jsonrpc)) {
    throw new WireError(
      'invalid',
      walk.valueEnd === 0 ? 'not an object with members' : 'jsonrpc must be "2.0"',
    )
  }
  return parts.method === null ? response(bytes, parts) : call(bytes, parts, parts.method)
}

const isVersion = (bytes: Uint8Array, { start, end }: Span): boolean =>
  bytes[start] === 0x22 && spells(bytes, start, end, '2.0')

function call(bytes: Uint8Array, { id, params, result, error }: Parts, methodSpan: Span): Envelope {
  const { start, end } = methodSpan
  const method = spells(bytes, start, end, 'tools/call') ? 'tools/call' : textOf(bytes, methodSpan)
  if (method === null) throw new WireError('invalid', 'method must be a string')
  if (result !== null || error !== null) throw new WireError('invalid', 'method beside result or error')
  if (params !== null && bytes[params.start] !== 0x7b)
    throw new WireError('invalid', 'params must be an object')
  if (id !== null && !isId(bytes, id)) throw badId()
  return {
    bytes,
    kind: id === null ? 'notification' : 'request',
    id,
    method,
    params,
    result: null,
    error: null,
  }
}

function response(bytes: Uint8Array, { id, params, result, error }: Parts): Envelope {
  if ((result === null) === (error === null)) {
    throw new WireError('invalid', 'neither a method nor exactly one of result and error')
  }
  if (params !== null) throw new WireError('invalid', 'params in a response')
  if (error !== null && bytes[error.start] !== 0x7b) throw new WireError('invalid', 'error must be an object')
  // An error may answer something whose id could not be read (JSON-RPC 2.0 section 5): id null or, in MCP, absent.
  const unread = error !== null && (id === null || bytes[id.start] === 0x6e)
  if (!unread && (id === null || !isId(bytes, id))) throw badId()
  return { bytes, kind: 'response', id: unread ? null : id, method: null, params: null, result, error }
}

const badId = () => new WireError('invalid', 'id must be a string or an integer within ±(2^53 - 1)')

function isId(bytes: Uint8Array, { start, end }: Span): boolean {
  const first = bytes[start] as number
  if (first === 0x22) return true
  const digits = first === 0x2d ? start + 1 : start
  if (end - digits > 16) return false
  let value = 0
  for (let pos = digits; pos < end; pos++) {
    const digit = (bytes[pos] as number) - 0x30
    if (digit < 0 || digit > 9) return false
    value = value * 10 + digit
  }
  return value <= Number.MAX_SAFE_INTEGER
}
