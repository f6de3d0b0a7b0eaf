import { expect, test } from 'bun:test'
import { clientKind, limitReports, tokensOf } from '../../gateway/domain/client-limits'

const named = (length: number): string => 'x'.repeat(length)
const levels = (client: string, names: readonly string[]) =>
  Object.fromEntries(limitReports(clientKind([client]), names).map(({ limit, level }) => [limit, level]))
const many = (count: number) => Array.from({ length: count }, (_, n) => `t${n}`)

test('[sets] a client is known by what it says of itself, else by the name it was given', () => {
  const titles = [
    ['cursor-vscode'],
    ['claude-code'],
    ['Visual Studio Code'],
    ['codex-mcp-client'],
    ['windsurf'],
    ['gemini-cli-mcp-client'],
    ['my laptop', 'Cursor at home'],
    ['something'],
    [],
  ].map((names) => clientKind(names).title)
  const other = 'other clients'
  expect(titles).toEqual([
    'Cursor',
    'Claude Code',
    'VS Code',
    'Codex',
    'Windsurf',
    'Gemini CLI',
    'Cursor',
    other,
    other,
  ])
})

test('[sets] lengths of names count with what the client puts before them', () => {
  const lengths: [client: string, most: number][] = [
    ['cursor', 53],
    ['claude code', 51],
    ['codex', 51],
    ['vs code', 53],
    ['copilot cli', 57],
    ['windsurf', 64],
    ['gemini', 64],
    ['whoever', 64],
  ]
  for (const [client, most] of lengths) {
    const [fits, not] = [named(most), named(most + 1)].map((name) => levels(client, [name])['name length'])
    expect([client, fits, not]).toEqual([client, 'ok', 'over'])
  }
  expect(limitReports(clientKind(['cursor']), ['short', named(54)])[0]?.names).toEqual([named(54)])
})

test('[sets] the number of tools is near its limit from four fifths on, and over it above', () => {
  const at = (client: string, count: number) => levels(client, many(count)).tools
  expect([79, 80, 100, 101].map((count) => at('windsurf', count))).toEqual(['ok', 'near', 'near', 'over'])
  expect([102, 103, 128, 129].map((count) => at('vscode', count))).toEqual(['ok', 'near', 'near', 'over'])
  expect(at('cursor', 5000)).toBeUndefined()
})

test('[sets] names with characters a client does not take are named', () => {
  expect(levels('claude code', ['a.b']).characters).toBe('over')
  expect(levels('claude code', ['a-b_C9']).characters).toBe('ok')
  expect(levels('gemini', ['a.b']).characters).toBeUndefined()
  expect(tokensOf(420)).toBe(100)
})
