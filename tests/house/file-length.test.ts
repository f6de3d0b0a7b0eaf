import { expect, test } from 'bun:test'
import { sources } from './sources'

const LONGEST = 400

test('[house] no source file is longer than 400 lines', () => {
  const files = sources('{gateway,shell,ui,tests,scripts}/**/*.{ts,mts,mjs,vue,css,sql}')
  expect(files.length).toBeGreaterThan(20)
  const long = files.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
  expect(long.filter(({ lines }) => lines > LONGEST)).toEqual([])
})
