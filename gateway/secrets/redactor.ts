import { type Automaton, createAutomaton, type Mark } from './automaton'
import { formsOf } from './forms'
import { Secret } from './secret'
import { markTelling } from './telling-shapes'
import { type Escapes, unescape, type View } from './unescape'

/** Takes secrets out of text that somebody will read: log lines, last words, messages. */
export interface Redactor {
  /**
   * The text with every live secret, however it is encoded, and everything that looks like one replaced by
   * `[secret]`. To be given whole lines: a secret is not found in pieces.
   */
  redact(text: string): string
  /** Looks for these values until the handle is disposed. */
  hold(secrets: readonly (Secret | string)[]): Disposable
}

const HIDDEN = Buffer.from('[secret]')
const CONTINUATION = 0x80

/** Which escapes are undone after which: JSON in JSON in JSON, JSON in a URL, a URL in a URL, colours in between. */
interface Ways {
  escapes: Escapes
  /** Without it nothing is escaped this way. */
  sign: string
  then: readonly Ways[]
}
const way = (escapes: Escapes, sign: string, ...then: Ways[]): Ways => ({ escapes, sign, then })
const string = (...then: Ways[]) => way('string', '\\', ...then)
const percent = (...then: Ways[]) => way('percent', '%', ...then)
const terminal = way('terminal', '\u001b')
const ways: readonly Ways[] = [
  string(string(string()), percent(), terminal),
  percent(percent(), string()),
  way('form', '+'),
  terminal,
]

export function createRedactor(): Redactor {
  const holders = new Map<string, number>()
  let automaton: Automaton | null = null

  const current = (): Automaton => {
    automaton ??= createAutomaton([...holders.keys()].flatMap(formsOf))
    return automaton
  }

  return {
    redact(text) {
      const bytes = Buffer.from(text, 'utf8')
      const find = current()
      let hidden: Uint8Array | null = null
      const look = (view: Uint8Array, starts: Uint32Array | null) => {
        for (const scan of [find, markTelling]) {
          const places = merged()
          scan(view, places.mark)
          for (const [start, end] of places.list) {
            hidden ??= new Uint8Array(bytes.length)
            hidden.fill(1, starts?.[start] ?? start, starts?.[end] ?? end)
          }
        }
      }
      look(bytes, null)
      for (const { bytes: view, starts } of views(bytes, null, ways)) look(view, starts)
      return hidden === null ? text : without(bytes, hidden)
    },
    hold(secrets) {
      const values = secrets.map((secret) => (secret instanceof Secret ? secret.reveal() : secret))
      for (const value of values) {
        const before = holders.get(value) ?? 0
        holders.set(value, before + 1)
        if (before === 0) automaton = null
      }
      let held = true
      return {
        [Symbol.dispose]() {
          if (!held) return
          held = false
          for (const value of values) {
            const left = (holders.get(value) ?? 1) - 1
            if (left > 0) holders.set(value, left)
            else if (holders.delete(value)) automaton = null
          }
        },
      }
    },
  }
}

/** Overlapping places as one; they come in the order of their ends. */
function merged(): { list: readonly (readonly [number, number])[]; mark: Mark } {
  const list: [number, number][] = []
  return {
    list,
    mark(start, end) {
      let from = start
      for (let last = list.at(-1); last && last[1] >= from; last = list.at(-1)) {
        from = Math.min(from, last[0])
        list.pop()
      }
      list.push([from, end])
    },
  }
}

/** The text as it reads once its escapes are undone, in each of the ways that apply. */
function* views(bytes: Uint8Array, from: Uint32Array | null, next: readonly Ways[]): Generator<View> {
  for (const { escapes, sign, then } of next) {
    const view = bytes.includes(sign.charCodeAt(0)) ? unescape(bytes, escapes, from) : null
    if (view === null) continue
    yield view
    yield* views(view.bytes, view.starts, then)
  }
}

function without(bytes: Uint8Array, hidden: Uint8Array): string {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const flag = hidden[at] ?? 0
    let end = hidden.indexOf(flag === 1 ? 0 : 1, at)
    if (end < 0) end = bytes.length
    // The rest of a character that was cut goes with it.
    if (flag === 1) while (((bytes[end] ?? 0) & 0xc0) === CONTINUATION) end++
    pieces.push(flag === 1 ? HIDDEN : bytes.subarray(at, end))
    at = end
  }
  return Buffer.concat(pieces).toString('utf8')
}
