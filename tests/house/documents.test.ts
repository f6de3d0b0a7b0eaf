import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { settingKeys, type SettingSpec, settingSpecs } from '../../gateway/domain/settings'
import { errorCodes } from '../../gateway/errors'
import { readDocument, root, sources } from './sources'

/** First cells of the rows of all tables of a document, and the rest of each row. */
function rows(document: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of readDocument(document).split('\n')) {
    const match = /^\| `([^`]+)` \|(.*)\|\s*$/.exec(line)
    if (match)
      found.set(
        match[1] ?? '',
        (match[2] ?? '').split('|').map((cell) => cell.trim()),
      )
  }
  return found
}

test('[house] docs/errors.md explains every error code and no other', () => {
  const documented = rows('docs/errors.md')
  expect([...documented.keys()].sort()).toEqual([...errorCodes].sort())
  const empty = [...documented].filter(([, cells]) => cells.length < 2 || cells.some((cell) => cell === ''))
  expect(empty.map(([code]) => code)).toEqual([])
})

test('[config] docs/settings.md says of every setting what the program says', () => {
  const cells = (spec: SettingSpec): string[] =>
    spec.type === 'number'
      ? [`\`${spec.default}\``, `${spec.min} – ${spec.max}`, spec.unit, spec.help]
      : [`\`${spec.default}\``, 'text', '–', spec.help]
  expect([...rows('docs/settings.md')]).toEqual(settingKeys.map((key) => [key, cells(settingSpecs[key])]))
})

test('[house] links between documents lead somewhere', () => {
  const broken: string[] = []
  for (const { path, text } of sources('*.md', 'docs/**/*.md'))
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      if (!existsSync(join(root, normalize(join(dirname(path), target))))) broken.push(`${path} -> ${target}`)
    }
  expect(broken).toEqual([])
})

test('[house] decisions are numbered once each', () => {
  const numbers = sources('docs/decisions/*.md').map(
    ({ path }) => /\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1],
  )
  expect(numbers).not.toContain(undefined)
  expect(new Set(numbers).size).toBe(numbers.length)
})

test('[house] CONTRIBUTING.md stays within 100 lines', () => {
  expect(readDocument('CONTRIBUTING.md').trimEnd().split('\n').length).toBeLessThanOrEqual(100)
})
