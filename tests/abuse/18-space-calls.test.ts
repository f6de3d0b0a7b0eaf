// The same server in two Spaces, over stdio and at one URL: every result carries the mark of its own Space.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { startRawRemote } from '../servers/raw-remote'
import { repository, startDaemon } from '../support/daemon'
import { type Caller, openCaller, textOf } from '../support/scripted'

const CALLS = 10_000
const AT_ONCE = 50

test('[threat.18] of 10 000 calls that interleave over two Spaces, each is answered by its own Space', async () => {
  await using remote = startRawRemote()
  await using daemon = await startDaemon()
  await daemon.ok('space', 'create', 'work')
  await daemon.ok('space', 'create', 'home')
  const program = [process.execPath, join(repository, 'tests/servers/raw-stdio.ts')]
  const callers: { space: string; caller: Caller }[] = []
  for (const space of ['work', 'home']) {
    await daemon.ok('add', 'here', '--space', space, '--yes', '--', ...program, space)
    const header = `X-Canary: ${space}`
    await daemon.ok(
      'add',
      'there',
      '--space',
      space,
      '--yes',
      '--url',
      remote.url('json'),
      '--header',
      header,
    )
    const key = (await daemon.ok('key', 'create', `client-${space}`, '--space', space)).trim()
    callers.push({ space, caller: await openCaller(daemon, key) })
  }
  let next = 0
  const wrong: string[] = []
  const work = async () => {
    for (let n = next++; n < CALLS; n = next++) {
      const { space, caller } = callers[n % 2] ?? {}
      const tool = n % 4 < 2 ? 'here_canary' : 'there_canary'
      const said = caller && textOf(await caller.call(tool))
      if (said !== space) wrong.push(`${n} ${tool} of ${space}: ${said}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(wrong).toEqual([])
  expect(next).toBeGreaterThanOrEqual(CALLS)
}, 120_000)
