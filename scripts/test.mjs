// `npm test`: everything CI checks, on a fresh clone too. The last line is `N passed, N failed`.
import { binary, buildBinary } from './lib/binary.mjs'
import { checks } from './lib/checks.mjs'
import { ensureDebianPackages } from './lib/debian-packages.mjs'
import { emptyHome } from './lib/empty-home.mjs'
import { main, run, say } from './lib/process.mjs'
import { smoke } from './lib/smoke.mjs'
import { runTests } from './lib/tests.mjs'
import { ensureToolchain } from './lib/toolchain.mjs'

const total = { passed: 0, failed: 0 }

async function stage(title, work) {
  say(`\n== ${title}`)
  let problem = null
  try {
    problem = await work()
  } catch (error) {
    problem = error.message
  }
  if (problem) say(`FAILED ${title}: ${problem}`)
  total[problem ? 'failed' : 'passed'] += 1
}

async function all(patterns) {
  await stage('Debian packages', async () => {
    const missing = await ensureDebianPackages()
    return missing.length > 0 ? `still missing: ${missing.join(', ')}` : null
  })
  const bun = await ensureToolchain()
  const home = emptyHome()
  try {
    const env = home.environment
    for (const { title, command, args } of checks)
      await stage(title, async () =>
        (await run(command, args, { env, stdio: ['ignore', 2, 2] })) === 0 ? null : 'see above',
      )
    await stage('build', async () => void (await buildBinary(bun)))
    say('\n== tests')
    const { passed, failed, skipped } = await runTests(bun, env, patterns)
    total.passed += passed
    total.failed += failed
    if (skipped > 0) say(`${skipped} tests were skipped; each says why.`)
    await stage('the compiled program in an empty home', () => smoke(binary))
  } finally {
    home.remove()
  }
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
