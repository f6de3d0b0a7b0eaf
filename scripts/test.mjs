// `npm test`: everything CI checks, on a fresh clone too. The last line is `N passed, N failed`.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binary, buildBinary } from './lib/binary.mjs'
import { checks } from './lib/checks.mjs'
import { ensureDebianPackages } from './lib/debian-packages.mjs'
import { main, run, say } from './lib/process.mjs'
import { smoke } from './lib/smoke.mjs'
import { runTests } from './lib/tests.mjs'
import { ensureToolchain, toolEnvironment } from './lib/toolchain.mjs'

/** A home nobody lives in: no test reads or writes the developer's own data. */
function emptyHome() {
  const home = mkdtempSync(join(tmpdir(), 'mux-'))
  const [runtime, temp] = [join(home, 'run'), join(home, 'tmp')]
  for (const folder of [runtime, temp]) mkdirSync(folder, { mode: 0o700 })
  const environment = toolEnvironment({ HOME: home, XDG_RUNTIME_DIR: runtime, TMPDIR: temp, NO_COLOR: '1' })
  for (const name of [
    'MCPMUX_HOME',
    'MCPMUX_KEY',
    'XDG_DATA_HOME',
    'XDG_CONFIG_HOME',
    'XDG_STATE_HOME',
    'XDG_CACHE_HOME',
  ])
    delete environment[name]
  return { home, environment, remove: () => rmSync(home, { recursive: true, force: true }) }
}

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
