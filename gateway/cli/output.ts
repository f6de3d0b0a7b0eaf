import type { UpstreamState } from '../domain/upstream-state'
import { visibleText } from '../domain/visible-text'

/** Where a command puts data and talk. */
export interface Output {
  /** Data: one line (or text of its own) to stdout. */
  out(text: string): Promise<void>
  /** Talk for the person: lines to stderr, in which nothing steers the terminal. */
  talk(text: string): void
}

/** Text of a server or a client on a terminal: control characters and direction marks show as escapes. */
export const safe = (text: string): string =>
  text.replace(/[^\P{C}]|[\u2028\u2029]/gu, (found) => visibleText(found))

/** JSON on a terminal: the same value, with everything a terminal could act upon written as an escape of JSON. */
export const safeJson = (json: string): string =>
  json.replaceAll('\r', ' ').replace(/[^\P{C}\n\t]|[\u2028\u2029]/gu, (found) =>
    Array.from({ length: found.length }, (_, at) => {
      const unit = found.charCodeAt(at).toString(16)
      return `\\u${unit.padStart(4, '0')}`
    }).join(''),
  )

/** Columns padded to their widest cell; the last is never padded. No rows, no text. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const lines = [header, ...rows].map((row) => row.map(safe))
  const widths = header.map((_, at) => Math.max(...lines.map((line) => Bun.stringWidth(line[at] ?? ''))))
  return lines
    .map((line) =>
      line
        .map((cell, at) =>
          at === line.length - 1 ? cell : cell + ' '.repeat((widths[at] ?? 0) - Bun.stringWidth(cell)),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A read's answer: JSON for programs, else the text for a person, or a remark on stderr when there is none. */
export async function show(
  { out, talk }: Output,
  json: boolean | undefined,
  data: unknown,
  text: () => string,
  empty = 'nothing there',
): Promise<void> {
  if (json) return out(safeJson(JSON.stringify(data, null, 2)))
  const shown = text()
  if (shown === '') talk(empty)
  else await out(shown)
}

const words: Record<UpstreamState['status'], string> = {
  disabled: 'disabled',
  needs_input: 'needs a value',
  needs_consent: 'needs your approval',
  locked: 'locked',
  idle: 'idle',
  connecting: 'connecting',
  ready: 'ready',
  needs_authorization: 'sign-in needed',
  failed: 'failed',
}
export const stateWord = (state: UpstreamState): string => words[state.status]

/** A time in epoch milliseconds as ISO 8601 in UTC, to the second. */
export const when = (at: number | null): string =>
  at === null ? 'never' : new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')

/** `1 tool`, `2 tools`. */
export const plural = (count: number, word: string, many = `${word}s`): string =>
  `${count} ${count === 1 ? word : many}`
