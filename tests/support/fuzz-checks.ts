// What the parsers of the gateway make of random bytes, beside what it should be. Each check makes one case out of
// chance and gives null, or says what was wrong.
import { WireError, type Envelope } from '../../gateway/wire/envelope'
import { createLineFramer } from '../../gateway/wire/lines'
import { scanMessage } from '../../gateway/wire/scan'
import { createSseParser } from '../../gateway/wire/sse'
import { body, type Chance, damaged, message, pieces } from './fuzz-source'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

export type Judged = { envelope: Envelope } | { reason: WireError['reason'] }

/** What the scanner says; anything but a WireError is thrown on. */
export function judge(bytes: Uint8Array): Judged {
  try {
    return { envelope: scanMessage(bytes) }
  } catch (error) {
    if (error instanceof WireError) return { reason: error.reason }
    throw error
  }
}

function parse(bytes: Uint8Array): { value: unknown } | null {
  try {
    return { value: JSON.parse(strict.decode(bytes)) }
  } catch {
    return null
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The scanner against JSON.parse. */
export function checkScan(c: Chance): string | null {
  const bytes = body(c)
  const judged = judge(bytes)
  const parsed = parse(bytes)
  const wrong = (what: string) => `${what}: ${JSON.stringify(lenient.decode(bytes))}`
  if ('reason' in judged) {
    const text = lenient.decode(bytes)
    if (judged.reason === 'parse') return parsed === null ? null : wrong('refused as no JSON')
    if (judged.reason === 'batch') return /^[ \n\r\t]*\[/.test(text) ? null : wrong('no batch')
    if (judged.reason === 'depth') return text.split(/[[{]/).length > 256 ? null : wrong('not deep')
    if (parsed === null) return wrong(`no JSON, and refused as ${judged.reason}`)
    return judged.reason === 'invalid' && isPlainRequest(parsed.value, text)
      ? wrong('a good request is refused')
      : null
  }
  if (parsed === null || !isObject(parsed.value)) return wrong('taken, and no object')
  const { envelope } = judged
  const value = parsed.value
  const part = (name: 'id' | 'params' | 'result' | 'error'): string => {
    const span = envelope[name]
    return span === null
      ? 'nothing'
      : JSON.stringify(JSON.parse(lenient.decode(bytes.subarray(span.start, span.end))))
  }
  for (const name of ['id', 'params', 'result', 'error'] as const) {
    const meant = name in value ? JSON.stringify(value[name]) : 'nothing'
    if (part(name) !== meant && !(name === 'id' && value.id === null))
      return wrong(`${name} is ${part(name)}`)
  }
  const kind = 'method' in value ? ('id' in value ? 'request' : 'notification') : 'response'
  if (kind !== envelope.kind) return wrong(`a ${kind} is a ${envelope.kind}`)
  return (envelope.method ?? undefined) === value.method ? null : wrong(`the method is ${envelope.method}`)
}

function isPlainRequest(value: unknown, text: string): boolean {
  if (!isObject(value) || value.jsonrpc !== '2.0' || typeof value.method !== 'string') return false
  if ('result' in value || 'error' in value || ('params' in value && !isObject(value.params))) return false
  return (
    typeof value.id === 'string' || (Number.isSafeInteger(value.id) && !/"id"\s*:\s*-?\d*[.eE]/.test(text))
  )
}

/** Events as they were meant, and in whatever pieces they come. */
export function checkSse(c: Chance): string | null {
  let text = c.oneIn(4) ? '\ufeff' : ''
  const meant: string[] = []
  const lineEnd = c.pick(['\n', '\r\n', '\r'])
  for (let left = c.below(5); left > 0; left--) {
    if (c.oneIn(3)) text += `: a comment${lineEnd}`
    if (c.oneIn(3)) text += `id: ${c.below(99)}${lineEnd}`
    if (c.oneIn(4)) text += `event: message${lineEnd}`
    const data = message(c).split('\n')
    for (const line of data) text += `data:${c.oneIn(2) ? ' ' : ''}${line}${lineEnd}`
    text += lineEnd
    meant.push(data.join('\n'))
  }
  const whole = encoder.encode(text)
  const exact = c.oneIn(2)
  const bytes = exact ? whole : damaged(whole, c)
  const read = (chunks: readonly Uint8Array[]): string[] => {
    const found: string[] = []
    const parser = createSseParser({
      maxEventBytes: 4096,
      onEvent: ({ data }) => found.push(lenient.decode(data)),
      onRetry: () => undefined,
    })
    try {
      for (const chunk of chunks) parser.push(chunk)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      found.push(error.reason)
    }
    return found
  }
  const once = read([bytes])
  const cut = read(pieces(bytes, c))
  if (JSON.stringify(once) !== JSON.stringify(cut))
    return `pieces matter: ${JSON.stringify(lenient.decode(bytes))}`
  // A data line that begins with a space loses it, as the specification has it.
  if (exact && JSON.stringify(once) !== JSON.stringify(meant)) return `events of ${JSON.stringify(text)}`
  return null
}

/** Lines by the rules, worked out on the whole; the framer gets them in pieces. */
export function checkLines(c: Chance): string | null {
  let bytes: Uint8Array = new Uint8Array(0)
  for (let left = c.below(6); left > 0; left--) {
    const line = c.oneIn(4) ? encoder.encode(' \t'.slice(c.below(3))) : body(c)
    bytes = Buffer.concat([bytes, line, encoder.encode(c.pick(['\n', '\r\n', '\n\n', '']))])
  }
  if (c.oneIn(6)) bytes = Buffer.concat([encoder.encode('\ufeff'), bytes])
  const most = c.pick([40, 200, 100_000])
  const meant: string[] = []
  let dropped = 0
  let start = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    const raw = Buffer.from(bytes.subarray(start, end)).toString('latin1')
    const first = start === 0
    start = end + 1
    if (raw.replace(/\r$/, '').length > most) dropped += 1
    else {
      const line = (first ? raw.replace(/^\xef\xbb\xbf/, '') : raw).replace(/\r$/, '')
      if (/[^ \t\r]/.test(line)) meant.push(line)
    }
  }
  const found: string[] = []
  let oversize = 0
  let discarded = 0
  const framer = createLineFramer({
    maxLineBytes: most,
    onLine: (line) => found.push(Buffer.from(line).toString('latin1')),
    onOversize: () => (oversize += 1),
    onDiscarded: () => (discarded += 1),
  })
  for (const chunk of pieces(bytes, c)) framer.push(chunk)
  // A last line without an end may have gone over too.
  const right = discarded === dropped && oversize >= dropped && oversize <= dropped + 1
  return right && JSON.stringify(found) === JSON.stringify(meant)
    ? null
    : `lines (at most ${most}) of ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`
}
