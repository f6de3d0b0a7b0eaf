import { withHiddenShown } from '../domain/hidden-text'
import type { PinFinding } from '../domain/pins'
import { visibleText } from '../domain/visible-text'
import { toJson } from './compare'
import { canonical, type Json } from './json'

/** One place of a definition that is not what it was. */
export interface Difference {
  /** Where: `inputSchema.properties.path.description`; '' for all of it. */
  path: string
  /** What was there (`- …`) and what is now (`+ …`), line by line, hidden text as escapes. Safe for a terminal. */
  lines: string[]
}

/** Places shown for one definition, and lines for one place and side. */
const MOST_PLACES = 50
const MOST_LINES = 40
/** Of a long line only the part around the change is shown. */
const LONG = 200
const AROUND = 60

/** What a person has to see to judge a finding. One that has nothing before it is shown whole. */
export function differences({
  kind,
  accepted,
  current,
}: Pick<PinFinding, 'kind' | 'accepted' | 'current'>): Difference[] {
  const after = toJson(kind, current)
  const places = accepted === null ? [added('', after)] : [...differing('', toJson(kind, accepted), after)]
  const left = places.length - MOST_PLACES
  return left > 0 ? [...places.slice(0, MOST_PLACES), { path: '', lines: [`… ${left} more places`] }] : places
}

const added = (path: string, value: Json): Difference => ({ path, lines: marked('+', linesOf(value)) })
const removed = (path: string, value: Json): Difference => ({ path, lines: marked('-', linesOf(value)) })

function* differing(path: string, before: Json, after: Json): Generator<Difference> {
  if (canonical(before) === canonical(after)) return
  if (before.type === 'object' && after.type === 'object' && !repeats(before) && !repeats(after)) {
    const old = new Map(before.members)
    const now = new Map(after.members)
    for (const key of new Set([...old.keys(), ...now.keys()]))
      yield* differingPart(join(path, key), old.get(key), now.get(key))
  } else if (before.type === 'array' && after.type === 'array') {
    const [from, oldEnd, newEnd] = changedRange(before.items, after.items)
    for (let at = from; at < Math.max(oldEnd, newEnd); at++)
      yield* differingPart(
        `${path}[${at}]`,
        at < oldEnd ? before.items[at] : undefined,
        at < newEnd ? after.items[at] : undefined,
      )
  } else if (before.type === 'text' && after.type === 'text') {
    yield { path: withHiddenShown(path), lines: textLines(before.text, after.text) }
  } else {
    yield {
      path: withHiddenShown(path),
      lines: [...marked('-', linesOf(before)), ...marked('+', linesOf(after))],
    }
  }
}

function* differingPart(path: string, before: Json | undefined, after: Json | undefined) {
  if (before && after) yield* differing(path, before, after)
  else if (after) yield added(withHiddenShown(path), after)
  else if (before) yield removed(withHiddenShown(path), before)
}

const repeats = ({ members }: Json & { type: 'object' }): boolean =>
  new Set(members.map(([key]) => key)).size < members.length

const join = (path: string, key: string): string => {
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/** First index that differs, and the ends of what differs in both lists. */
function changedRange(before: readonly Json[], after: readonly Json[]): [number, number, number] {
  const same = (a: Json | undefined, b: Json | undefined) => a && b && canonical(a) === canonical(b)
  let from = 0
  while (same(before[from], after[from])) from++
  let [oldEnd, newEnd] = [before.length, after.length]
  while (oldEnd > from && newEnd > from && same(before[oldEnd - 1], after[newEnd - 1])) {
    oldEnd--
    newEnd--
  }
  return [from, oldEnd, newEnd]
}

const linesOf = (value: Json): string[] =>
  value.type === 'text' ? splitLines(value.text).map(withHiddenShown) : pretty(value, '').split('\n')

/** Indented JSON whose strings keep their letters, and show what they hide. */
function pretty(value: Json, indent: string): string {
  const inner = `${indent}  `
  const wrap = (open: string, parts: readonly string[], close: string) =>
    parts.length === 0
      ? open + close
      : `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`
  if (value.type === 'atom') return value.raw
  if (value.type === 'text') return quoted(value.text)
  if (value.type === 'array')
    return wrap(
      '[',
      value.items.map((item) => pretty(item, inner)),
      ']',
    )
  return wrap(
    '{',
    value.members.map(([key, member]) => `${quoted(key)}: ${pretty(member, inner)}`),
    '}',
  )
}

const quoted = (text: string): string =>
  `"${splitLines(text).map(withHiddenShown).join('\\n').replaceAll('"', '\\"')}"`

const splitLines = (text: string): string[] => text.split(/\r\n|[\n\r]/)

/** Lines of two texts that differ, without those at their beginning and end that do not. */
function textLines(before: string, after: string): string[] {
  const [old, now] = [splitLines(before), splitLines(after)]
  if (old.join('\n') === now.join('\n')) return ['  only the line breaks are others']
  const [from, oldEnd, newEnd] = changedRange(old.map(toText), now.map(toText))
  const [first, second] = [old.slice(from, oldEnd), now.slice(from, newEnd)]
  const [one, other] = [first[0], second[0]]
  if (first.length !== 1 || second.length !== 1 || one === undefined || other === undefined)
    return [...marked('-', first.map(withHiddenShown)), ...marked('+', second.map(withHiddenShown))]
  return changedLine(one, other)
}

const toText = (text: string): Json => ({ type: 'text', text })

/** One line that became another: long ones around the change, and letters that look alike told apart. */
function changedLine(before: string, after: string): string[] {
  const [old, now] = [Array.from(before), Array.from(after)]
  let from = 0
  while (from < old.length && from < now.length && old[from] === now[from]) from++
  let [oldEnd, newEnd] = [old.length, now.length]
  while (oldEnd > from && newEnd > from && old[oldEnd - 1] === now[newEnd - 1]) {
    oldEnd--
    newEnd--
  }
  const part = (line: readonly string[], end: number): string => {
    if (line.length <= LONG) return withHiddenShown(line.join(''))
    const start = Math.max(0, from - AROUND)
    const stop = Math.min(line.length, end + AROUND)
    const text = withHiddenShown(line.slice(start, stop).join(''))
    return `${start > 0 ? '…' : ''}${text}${stop < line.length ? '…' : ''}`
  }
  const lines = [`- ${part(old, oldEnd)}`, `+ ${part(now, newEnd)}`]
  const letters = [old.slice(from, oldEnd).join(''), now.slice(from, newEnd).join('')]
  // An о for an o would look like no change at all.
  if (letters.some((text) => /[^\x20-\x7e]/.test(text)))
    lines.push(`  that is "${letters.map((text) => visibleText(text)).join('" and now "')}"`)
  return lines
}

const marked = (mark: '-' | '+', lines: readonly string[]): string[] => {
  const left = lines.length - MOST_LINES
  const shown = lines.slice(0, MOST_LINES).map((line) => `${mark} ${line}`)
  return left > 0 ? [...shown, `${mark} … ${left} more lines`] : shown
}
