import { expect, test } from 'bun:test'
import { readDocument } from './sources'
import { threatCases, withThreatTable } from './threats'

test('[house] the table of threat cases in docs/security.md is what the tests say; `npm run format` writes it', () => {
  const document = readDocument('docs/security.md')
  expect(document).toBe(withThreatTable(document))
})

test('[house] there are 75 threat cases, and each is shown by a test or openly not', () => {
  const cases = threatCases()
  expect(cases.map(({ number }) => Number(number))).toEqual(Array.from({ length: 75 }, (_, n) => n + 1))
  expect(cases.filter(({ tests, open }) => tests.length === 0 && open === null)).toEqual([])
})
