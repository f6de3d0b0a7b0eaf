// `npm test`: everything CI checks, on a fresh clone too. The last line is `N passed, N failed`.
import { binary, buildBinary } from './lib/binary.mjs'
import { checks } from './lib/checks.mjs'
import { ensureDebianPackages } from './lib/debian-packages.mjs'
import { runHeldBack } from './lib/lanes.mjs'
import { main, say } from './lib/process.mjs'
import { smoke } from './lib/smoke.mjs'
import { runTests, testFiles } from './lib/tests.mjs'
import { ensureToolchain, toolEnvironment } from './lib/toolchain.mjs'

const CHECK_MS = 10 * 60_000

const total = { passed: 0, failed: 0 }

async function stage(title, work) {
  let problem = null
  try {
    problem = await work()
  } catch (error) {
    problem = error.message
  }
  say(problem ? `FAILED ${title}: ${problem}` : `ok ${title}`)
  total[problem ? 'failed' : 'passed'] += 1
}

async function check({ title, command, args }) {
  const { how, output } = await runHeldBack(command, args, { env: toolEnvironment(), limit: CHECK_MS })
  process.stderr.write(`\n== ${title}\n${output}`)
  return how && `${how}, see above`
}

async function all(patterns) {
  await stage('Debian packages', async () => {
    const missing = await ensureDebianPackages()
    return missing.length > 0 ? `still missing: ${missing.join(', ')}` : null
  })
  const bun = await ensureToolchain()
  await stage('build', async () => void (await buildBinary(bun)))
  const files = testFiles(patterns)
  // They need nothing of each other, and the tests leave the processor free while they wait.
  const first = [
    ...checks.map((one) => () => stage(one.title, () => check(one))),
    () => stage('the compiled program in an empty home', () => smoke(binary)),
  ]
  const { passed, failed, skipped } = await runTests(bun, files, { first })
  total.passed += passed
  total.failed += failed
  if (files.length === 0) await stage('tests', () => 'no file is meant by what was asked for')
  if (skipped > 0) say(`${skipped} tests were skipped; each says why.`)
}

await main(async () => {
  try {
    await all(process.argv.slice(2))
  } catch (error) {
    say(`\n${error.message}`)
    total.failed += 1
  }
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`)
  return total.failed === 0 ? 0 : 1
})
