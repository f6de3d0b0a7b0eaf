// Random bytes that are nearly right, out of a seed: the same seed gives the same cases.

export interface Chance {
  below(bound: number): number
  pick<T>(from: readonly T[]): T
  /** True once in `n` times. */
  oneIn(n: number): boolean
}

/** A small generator (mulberry32): fast, and good enough to reach odd corners. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number) => Math.floor(next() * bound)
  return {
    below,
    pick(from) {
      const found = from[below(from.length)]
      if (found === undefined) throw new Error('nothing to pick from')
      return found
    },
    oneIn: (n) => below(n) === 0,
  }
}

const methods = [
  'tools/call',
  'tools/list',
  'ping',
  'prompts/get',
  'resources/read',
  'resources/templates/list',
  'completion/complete',
  'server/discover',
  'notifications/cancelled',
  'notifications/initialized',
  '',
  '__proto__',
]
const ids = [
  '1',
  '"a"',
  '-7',
  '0',
  '9007199254740991',
  '9007199254740993',
  '1.0',
  '1e2',
  'null',
  '[1]',
  '""',
  '"\\u0061"',
]
const values = [
  '{}',
  '{"name":"echo_echo","arguments":{"message":"x"}}',
  '{"name":"echo_echo","arguments":{"message":"\\ud83d\\ude00"},"_meta":{"progressToken":1}}',
  '{"requestId":1}',
  '{"cursor":"x"}',
  '{"__proto__":{"a":1}}',
  '{"a":{"b":[1,2,{"c":null}]},"n":-0.5e-7}',
  '[]',
  '"text"',
  'null',
  '{"uri":"file:///x"}',
  '{"code":-32000,"message":"m"}',
]
const tokens = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '"',
  '\\',
  'null',
  'true',
  '"id":',
  '"jsonrpc":"2.0",',
  '"method":"ping",',
  ' ',
  '\n',
  '\t',
  '1e400',
  '-',
  '\\u0000',
  '\0',
  '\ufeff',
  '\x7f',
  '//',
  '😀',
  '"result":{},',
  '"error":{},',
  '"params":{},',
]
const encoder = new TextEncoder()

/** A message of one kind or another, its members in any order. */
export function message(c: Chance): string {
  const members = ['"jsonrpc":"2.0"']
  const kind = c.below(8)
  if (kind < 7) members.push(`"method":"${c.pick(methods)}"`)
  if (kind !== 6) members.push(`"id":${c.pick(ids)}`)
  if (kind < 7 && !c.oneIn(3)) members.push(`"params":${c.pick(values)}`)
  if (kind === 7) members.push(`"${c.pick(['result', 'error'])}":${c.pick(values)}`)
  if (c.oneIn(4)) members.push(`"extra":${c.pick(values)}`)
  for (let at = members.length - 1; at > 0; at--) {
    const other = c.below(at + 1)
    ;[members[at], members[other]] = [members[other] ?? '', members[at] ?? '']
  }
  return `{${members.join(c.oneIn(3) ? ' ,\n' : ',')}}`
}

/** Bytes with up to three damages: something cut out, doubled, put in, turned over, or nested. */
export function damaged(bytes: Uint8Array, c: Chance): Uint8Array {
  let out = bytes
  for (let left = c.below(4); left > 0; left--) {
    const at = c.below(out.length + 1)
    const size = 1 + c.below(8)
    const [before, after] = [out.subarray(0, at), out.subarray(at)]
    const kind = c.below(6)
    if (kind === 0) out = joined(before, after.subarray(size))
    else if (kind === 1) out = joined(before, after.subarray(0, size), after)
    else if (kind === 2) out = joined(before, encoder.encode(c.pick(tokens)), after)
    else if (kind === 3) out = joined(before, Uint8Array.of(c.below(256)), after.subarray(1))
    else if (kind === 4) out = before
    else out = joined(before, encoder.encode(c.pick(['[', '{"a":']).repeat(1 + c.below(300))), after)
  }
  return out
}

const joined = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts)

/** The body of a request, right or damaged. */
export function body(c: Chance): Uint8Array {
  if (c.oneIn(40)) return Uint8Array.from({ length: c.below(60) }, () => c.below(256))
  if (c.oneIn(40)) return encoder.encode(`[${message(c)},${message(c)}]`)
  return damaged(encoder.encode(message(c)), c)
}

/** The same bytes in pieces, cut anywhere. */
export function pieces(bytes: Uint8Array, c: Chance): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + (c.oneIn(3) ? 1 : c.below(30)))
    // Their memory is their own, as that of chunks off a socket.
    found.push(bytes.slice(at, end))
    at = end
  }
  return found
}
