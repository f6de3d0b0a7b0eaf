// Finds out which template a concrete URI may come from (RFC 6570, levels 1 to 3 and the modifiers of level 4).
// Templates come from servers: no regular expression is made of them, and the work per URI is bounded.

export interface UriTemplate {
  /** Whether the URI could be an expansion of the template. */
  matches(uri: string): boolean
  /** Higher is more specific: more literal characters, then fewer variables. */
  specificity: number
}

const MAX_PARTS = 24
const MAX_URI = 2048

interface Literal {
  type: 'literal'
  text: string
}
/** A run of characters out of `stops`' complement, behind an optional `lead`. */
interface Run {
  type: 'run'
  /** First character of the expansion; when set, the whole run may be missing. */
  lead: string
  stops: string
}
interface Query {
  type: 'query'
  lead: '?' | '&'
  names: ReadonlySet<string>
}
type Part = Literal | Run | Query

const operators: Record<string, { lead: string; stops: string }> = {
  '': { lead: '', stops: '/?#' },
  '+': { lead: '', stops: '' },
  '#': { lead: '#', stops: '' },
  '.': { lead: '.', stops: '/?#' },
  '/': { lead: '/', stops: '?#' },
  ';': { lead: ';', stops: '/?#' },
}
const operatorOf = /^[+#./;?&]?/
const variable = /^(?:[A-Za-z0-9_.]|%[0-9A-Fa-f]{2})+(?::[1-9][0-9]{0,3}|\*)?$/

/** Compiles a template; null when it is not a template or has more than 24 parts. */
export function compileTemplate(template: string): UriTemplate | null {
  const parts = parse(template)
  if (!parts) return null
  const literal = parts.reduce((sum, part) => sum + (part.type === 'literal' ? part.text.length : 0), 0)
  const open = parts.filter((part) => part.type === 'run' && part.stops === '').length
  const [first] = parts
  return {
    specificity: literal * 4096 - parts.length * 64 - open,
    matches(uri) {
      if (uri.length > MAX_URI) return false
      if (first?.type === 'literal' && !uri.startsWith(first.text)) return false
      let reached: Positions = { flags: new Uint8Array(uri.length + 1), from: 0 }
      reached.flags[0] = 1
      for (const part of parts) {
        const next = advance(part, uri, reached)
        if (!next) return false
        reached = next
      }
      return reached.flags[uri.length] === 1
    },
  }
}

function parse(template: string): Part[] | null {
  const parts: Part[] = []
  let at = 0
  while (at < template.length) {
    if (parts.length >= MAX_PARTS) return null
    const open = template.indexOf('{', at)
    const text = template.slice(at, open < 0 ? template.length : open)
    if (text.includes('}')) return null
    if (text) parts.push({ type: 'literal', text })
    if (open < 0) break
    const close = template.indexOf('}', open)
    if (close < 0) return null
    const part = parseExpression(template.slice(open + 1, close))
    if (!part) return null
    parts.push(part)
    at = close + 1
  }
  return parts
}

function parseExpression(expression: string): Part | null {
  const operator = operatorOf.exec(expression)?.[0] ?? ''
  const names = expression.slice(operator.length).split(',')
  if (names.length > MAX_PARTS || !names.every((name) => variable.test(name))) return null
  if (operator === '?' || operator === '&') {
    const exploded = names.some((name) => name.endsWith('*'))
    // An exploded variable brings keys of its own: an empty set stands for any.
    const keys = exploded ? [] : names.map((name) => name.replace(/:[0-9]+$/, ''))
    return { type: 'query', lead: operator, names: new Set(keys) }
  }
  const kind = operators[operator]
  return kind ? { type: 'run', ...kind } : null
}

/** Which offsets of the URI the parts so far can end at; none before `from`. */
interface Positions {
  flags: Uint8Array
  from: number
}

function advance(part: Part, uri: string, reached: Positions): Positions | null {
  const flags = new Uint8Array(uri.length + 1)
  if (part.type === 'literal') literalStep(part, uri, reached, flags)
  else if (part.type === 'run') runStep(part, uri, reached, flags)
  else queryStep(part, uri, reached, flags)
  const from = flags.indexOf(1)
  return from < 0 ? null : { flags, from }
}

function literalStep({ text }: Literal, uri: string, { flags, from }: Positions, next: Uint8Array): void {
  for (let i = uri.indexOf(text, from); i >= 0; i = uri.indexOf(text, i + 1)) {
    if (flags[i] === 1) next[i + text.length] = 1
  }
}

function runStep({ lead, stops }: Run, uri: string, { flags, from }: Positions, next: Uint8Array): void {
  let running = false
  for (let i = from; i <= uri.length; i++) {
    const here = flags[i] === 1
    if (lead !== '' && here) next[i] = 1
    // The run covers characters up to i: it may end here.
    if (running) next[i] = 1
    const char = uri[i]
    if (char === undefined) break
    if (running && stops.includes(char)) running = false
    if (here && (lead === '' ? !stops.includes(char) : char === lead)) running = true
  }
}

function queryStep({ lead, names }: Query, uri: string, { flags, from }: Positions, next: Uint8Array): void {
  const seen = new Uint8Array(uri.length + 1)
  for (let i = from; i <= uri.length; i++) {
    if (flags[i] !== 1) continue
    next[i] = 1
    if (uri[i] === lead) markPairs(uri, i + 1, names, seen, next)
  }
}

/**
 * Marks every place where a run of `name=value` pairs that begins at `start` may end. What follows a key is the same
 * whichever way led to it, so each is walked once.
 */
function markPairs(
  uri: string,
  start: number,
  names: ReadonlySet<string>,
  seen: Uint8Array,
  next: Uint8Array,
): void {
  let key = start
  while (key < uri.length && seen[key] === 0) {
    seen[key] = 1
    let equals = key
    while (equals < uri.length && !'=&?#'.includes(uri[equals] ?? '')) equals++
    const name = uri.slice(key, equals)
    if (name === '' || (names.size > 0 && !names.has(name))) return
    let end = equals
    while (end < uri.length && !'&?#'.includes(uri[end] ?? '')) next[++end] = 1
    if (uri[equals] !== '=') next[equals] = 1
    if (uri[end] !== '&') return
    key = end + 1
  }
}
