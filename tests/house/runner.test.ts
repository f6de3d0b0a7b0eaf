// What `npm test` makes of a test file, however that ends.
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { runFile, runTests } from '../../scripts/lib/tests.mjs'
import { root } from './sources'

const folder = mkdtempSync(join(tmpdir(), 'mux-runner-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let written = 0
async function outcome(text: string) {
  const file = join(folder, `${written++}.test.ts`)
  writeFileSync(
    file,
    `import { expect, test } from 'bun:test'\nconst fine = () => test('fine', () => {})\n${text}`,
  )
  const { output, passed, failed, skipped } = await runFile(process.execPath, relative(root, file))
  return { counts: [passed, failed, skipped], output }
}

test('[house] tests are counted as they end', async () => {
  const { counts, output } = await outcome(
    "fine(); test('wrong', () => expect(1).toBe(2)); test.skip('later', () => {}); console.log(' 7 pass')",
  )
  expect(counts).toEqual([1, 1, 1])
  expect(output).toContain('(fail) wrong')
})

test('[house] a file that ends early, by a signal, without a test or by a mistake has failed, and says so', async () => {
  const wrong = [
    ["fine(); test('ends', () => process.exit(0))", 'it ended before its tests did'],
    ["fine(); test('ends', () => process.exit(3))", 'it ended with code 3'],
    ["fine(); test('dies', () => process.kill(process.pid, 'SIGKILL'))", 'it ended by SIGKILL'],
    ["console.log('nothing')", 'it has no test'],
    ['fine(); nonsense here', 'Expected'],
  ]
  for (const [text = '', sentence = ''] of wrong) {
    const { counts, output } = await outcome(text)
    expect([text, counts[1] === 0]).toEqual([text, false])
    expect(output).toContain(sentence)
  }
})

test('[house] once the time for all tests is over no file is begun, and each counts as failed', async () => {
  const files = ['tests/unit/hints.test.ts', 'tests/unit/naming.test.ts']
  let printed = ''
  const print = (text: string) => void (printed += text)
  expect(await runTests(process.execPath, files, { limit: 0, print })).toMatchObject({ passed: 0, failed: 2 })
  for (const file of files) expect(printed).toContain(`FAILED ${file}: it was not begun`)
})
