// What is said about the threat cases follows from the tests themselves: who cites a case, and why one is still open.
import { requirements } from '../requirements'
import { titles } from './titles'

export interface ThreatCase {
  number: string
  promise: string
  /** What no test shows yet, and what has to be built for it; null when nothing is left. */
  open: string | null
  /** Files that cite the case, and how many tests in them do. */
  tests: { path: string; count: number }[]
}

/** All threat cases, in order. */
export function threatCases(): ThreatCase[] {
  const citing = new Map<string, Map<string, number>>()
  for (const { where, ids } of titles()) {
    const path = where.replace(/:\d+$/, '')
    for (const id of new Set(ids)) {
      const files = citing.get(id) ?? new Map<string, number>()
      citing.set(id, files.set(path, (files.get(path) ?? 0) + 1))
    }
  }
  return [...requirements]
    .flatMap(([id, { promise, deferred, partly }]) => {
      const number = /^threat\.(\d\d)$/.exec(id)?.[1]
      if (number === undefined) return []
      const tests = [...(citing.get(id) ?? [])].map(([path, count]) => ({ path, count }))
      return [{ number, promise, open: deferred ?? partly ?? null, tests }]
    })
    .sort((a, b) => Number(a.number) - Number(b.number))
}

const begin = '<!-- threat cases: written by `npm run format` -->'
const end = '<!-- end of the threat cases -->'

const shown = ({ path, count }: ThreatCase['tests'][number]): string => {
  const name = path.replace(/^tests\//, '').replace(/\.test\.ts$/, '')
  return `[${name}](../${path})${count > 1 ? ` (${count})` : ''}`
}

function row({ number, promise, open, tests }: ThreatCase): string {
  const proof = tests.map(shown).join(', ')
  const rest = open === null ? '' : `open: ${open}`
  return `| ${number} | ${promise} | ${[proof, rest].filter((text) => text !== '').join('; ')} |`
}

/** The document with the table of the cases between its two marks as it should be. Throws when a mark is missing. */
export function withThreatTable(document: string): string {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`no ${begin} … ${end}`)
  const lines = [
    begin,
    '',
    '| case | promise | shown by (number of tests) |',
    '|---|---|---|',
    ...threatCases().map(row),
    '',
    end,
  ]
  return document.slice(0, from) + lines.join('\n') + document.slice(to + end.length)
}
