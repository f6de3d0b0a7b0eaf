// What each credential comes to at each route, as text that a person can review: one line for a route.
import { expect } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'

/** Status and, where the answer names one, the code of the failure. The body is let go of. */
export async function outcomeOf(answer: Response): Promise<string> {
  if (!answer.headers.get('content-type')?.startsWith('application/json')) {
    // A stream of events never ends by itself.
    await answer.body?.cancel()
    return String(answer.status)
  }
  const text = await answer.text()
  const code = text === '' ? null : codeIn(JSON.parse(text))
  return code === null ? String(answer.status) : `${answer.status} ${code}`
}

/** Of a problem document, a JSON-RPC error, or an error of OAuth. */
function codeIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null
  const { code, error }: { code?: unknown; error?: unknown } = body
  if (typeof code === 'string') return code
  if (typeof error === 'string') return error
  if (typeof error !== 'object' || error === null || !('data' in error)) return null
  return codeIn(error.data)
}

/** `outcome < credentials`, each outcome once; the most frequent one is that of all others. */
export function lineOf(what: readonly string[], outcomes: ReadonlyMap<string, string>): string {
  const by = [...Map.groupBy(outcomes, ([, outcome]) => outcome)]
    .map(([outcome, entries]) => ({ outcome, names: entries.map(([name]) => name) }))
    .toSorted((a, b) => a.names.length - b.names.length || (a.outcome < b.outcome ? -1 : 1))
  const last = by.length - 1
  const parts = by.map(({ outcome, names }, at) => {
    if (by.length === 1) return outcome
    return `${outcome} < ${at === last ? 'others' : names.join(', ')}`
  })
  return `${what.join('  ')}  ${parts.join(' | ')}`
}

/** Holds the lines against a committed file; `GOLDEN=write` writes it instead. */
export function matchGolden(path: string, lines: readonly string[]): void {
  const text = `${lines.join('\n')}\n`
  if (process.env.GOLDEN === 'write') writeFileSync(path, text)
  expect(text.split('\n')).toEqual(readFileSync(path, 'utf8').split('\n'))
}
