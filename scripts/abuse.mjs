// `npm run abuse -- [--only NN]…`: the tests of the threat cases alone, and what became of each case. `npm test` runs
// the same tests among all others.
import { buildBinary } from './lib/binary.mjs'
import { ensureDebianPackages } from './lib/debian-packages.mjs'
import { Stop, capture, main, say } from './lib/process.mjs'
import { runTests } from './lib/tests.mjs'
import { ensureToolchain } from './lib/toolchain.mjs'

/** Numbers of the cases that were asked for; none means all. */
function wanted(args) {
  const only = new Set()
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    const number = arg === '--only' ? args.shift() : /^--only=(.*)$/.exec(arg)?.[1]
    if (!/^\d{1,2}$/.test(number ?? '')) throw new Stop('usage: npm run abuse -- [--only NN]…')
    only.add(number.padStart(2, '0'))
  }
  return only
}

/** Every test in a JUnit report: the cases its title cites, and how it ended. */
function* outcomes(report) {
  for (const [, attributes, rest] of report.matchAll(/<testcase ([^>]*?)(\/>|>[\s\S]*?<\/testcase>)/g)) {
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? ''
    const numbers = [...name.matchAll(/\[threat\.(\d\d)\]/g)].map(([, number]) => number)
    yield {
      numbers: new Set(numbers),
      how: rest.includes('<failure') ? 'failed' : rest.includes('<skipped') ? 'skipped' : 'passed',
    }
  }
}

function table(cases, report) {
  const counts = new Map(cases.map(({ number }) => [number, { passed: 0, failed: 0, skipped: 0 }]))
  for (const { numbers, how } of outcomes(report))
    for (const number of numbers) if (counts.has(number)) counts.get(number)[how] += 1
  return cases.map(({ number, promise, open }) => {
    const { passed, failed, skipped } = counts.get(number)
    const state = failed > 0 ? 'FAILED' : passed > 0 ? 'ok' : skipped > 0 ? 'skipped' : 'open'
    const said = [
      passed > 0 ? `${passed} passed` : '',
      failed > 0 ? `${failed} failed` : '',
      skipped > 0 ? `${skipped} skipped` : '',
      open ?? '',
    ].filter((text) => text !== '')
    return `${number}  ${state.padEnd(7)}  ${promise}: ${said.join('; ') || 'no test'}`
  })
}

await main(async () => {
  const only = wanted(process.argv.slice(2))
  const missing = await ensureDebianPackages()
  if (missing.length > 0) say(`Without ${missing.join(', ')} some tests are skipped or fail.`)
  const bun = await ensureToolchain()
  await buildBinary(bun)
  const listed = capture(bun, ['scripts/threats.ts', '--json'])
  if (listed.code !== 0) throw new Stop(`The cases could not be listed: ${listed.stderr}`)
  const cases = JSON.parse(listed.stdout).filter(({ number }) => only.size === 0 || only.has(number))
  const files = [...new Set(cases.flatMap(({ tests }) => tests.map(({ path }) => path)))].sort()
  const { passed, failed, reports } = await runTests(bun, files, { withReports: true })
  for (const line of table(cases, reports.join('\n'))) process.stdout.write(`${line}\n`)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  return failed === 0 ? 0 : 1
})
