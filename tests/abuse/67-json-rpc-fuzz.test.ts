// A hundred thousand random bodies at the compiled program, and as many at its scanner beside JSON.parse. The seed is
// in the title of what fails, so that it can be seen again.
import { expect, test } from 'bun:test'
import { echoCommand, footprint, targetOf } from '../bench/programs'
import { startDaemon } from '../support/daemon'
import { checkLines, checkScan, checkSse } from '../support/fuzz-checks'
import { fuzzDoor } from '../support/fuzz-door'
import { chance } from '../support/fuzz-source'
import { openCaller, textOf } from '../support/scripted'

const SEED = 67

for (const [what, check, cases] of [
  ['JSON-RPC bodies', checkScan, 100_000],
  ['event streams', checkSse, 20_000],
  ['lines of a server', checkLines, 20_000],
] as const)
  test(`[threat.67] [threat.51] ${cases} random ${what} are read as they should be (seed ${SEED})`, () => {
    const c = chance(SEED)
    const wrong: string[] = []
    for (let n = 0; n < cases; n++) {
      const fault = check(c)
      if (fault !== null && wrong.length < 20) wrong.push(`case ${n}: ${fault}`)
    }
    expect(wrong).toEqual([])
  }, 120_000)

test(`[threat.67] 100 000 random bodies are answered as they should be, and the gateway is what it was (seed ${SEED})`, async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'echo', '--yes', '--', ...echoCommand())
  const key = (await daemon.ok('key', 'create', 'fuzz')).trim()
  const target = targetOf(daemon, key, 'echo_echo')
  await fuzzDoor(target, SEED, 10_000, 32)
  const before = footprint(daemon.pid).bytes
  const { statuses, wrong } = await fuzzDoor(target, SEED + 1000, 100_000, 32)
  expect(wrong).toEqual([])
  const share = (status: number) => statuses.get(status) ?? 0
  // Neither all right nor all wrong.
  expect([share(200) > 10_000, share(202) > 1000, share(400) > 10_000]).toEqual([true, true, true])
  expect([...statuses.keys()].filter((status) => ![200, 202, 400, 404].includes(status))).toEqual([])
  expect(footprint(daemon.pid).bytes - before).toBeLessThan(200 * 2 ** 20)
  const caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'after')).trim())
  expect(textOf(await caller.call('echo_echo', { message: 'still here' }))).toBe('still here')
}, 180_000)
