import { expect, test } from 'bun:test'
import { requirements } from '../requirements'
import { sources } from './sources'
import { titles } from './titles'

const all = titles()
const cited = new Set(all.flatMap((title) => title.ids))

test('[house] every test title starts with the id of a requirement', () => {
  expect(all.filter((title) => title.ids.length === 0).map(({ where, text }) => `${where} ${text}`)).toEqual(
    [],
  )
})

test('[house] every cited id is a requirement', () => {
  const unknown = all.flatMap(({ where, ids }) =>
    ids.filter((id) => !requirements.has(id)).map((id) => `${where} ${id}`),
  )
  expect(unknown).toEqual([])
})

test('[house] every requirement is cited by a test or openly deferred', () => {
  const silent = [...requirements]
    .filter(([id, { deferred }]) => !deferred && !cited.has(id))
    .map(([id]) => id)
  expect(silent).toEqual([])
})

test('[house] no requirement is deferred once a test cites it', () => {
  const stale = [...requirements].filter(([id, { deferred }]) => deferred && cited.has(id)).map(([id]) => id)
  expect(stale).toEqual([])
})

test('[house] no test is left out without a condition', () => {
  expect(all.filter(({ mark }) => mark !== null).map(({ where, mark }) => `${where} test.${mark}`)).toEqual(
    [],
  )
  const groups = sources('tests/**/*.test.ts').filter(({ text }) =>
    /^\s*describe\.(only|skip|todo)\(/m.test(text),
  )
  expect(groups.map(({ path }) => path)).toEqual([])
})
