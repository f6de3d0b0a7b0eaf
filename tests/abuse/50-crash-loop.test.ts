// A server that dies with every call, and one that a person stopped, at the compiled program.
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, startDaemon } from '../support/daemon'
import { openCaller, scripted, textOf } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

const starts = (log: string): number =>
  existsSync(log)
    ? readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('initialize ')).length
    : 0

test('[threat.50] [faults] a server that dies again and again is left alone, its calls are told so, and others are served', async () => {
  await using daemon = await startDaemon()
  const log = join(daemon.home, 'doomed.log')
  await daemon.ok('add', 'doomed', '--yes', '--', ...scripted('plain', log))
  await daemon.ok('add', 'neighbour', '--yes', '--', ...scripted('plain'))
  const caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'one')).trim())
  const codes: string[] = []
  const dieAgain = async () => {
    const code = (await caller.call('doomed_die')).error?.data?.code ?? 'none'
    codes.push(code)
    const text = String(codes.length)
    expect(textOf(await caller.call('neighbour_echo', { text }))).toBe(text)
    return code
  }
  // Between two starts there are pauses, in which a call is refused at once; how long they are is left to chance.
  await eventually(dieAgain, (code) => code === 'upstream.crash_loop', 100_000)
  expect(codes.filter((code) => !code.startsWith('upstream.'))).toEqual([])
  // Left alone, it is refused at once: many more calls start nothing.
  const before = starts(log)
  expect(before).toBeGreaterThanOrEqual(5)
  const refused = await Promise.all(Array.from({ length: 50 }, () => caller.call('doomed_echo')))
  expect([...new Set(refused.map(({ error }) => error?.data?.code))]).toEqual(['upstream.crash_loop'])
  expect(starts(log) - before).toBeLessThanOrEqual(1)
  // A person may say: now.
  await daemon.ok('restart', 'doomed')
  expect(textOf(await caller.call('doomed_echo', { text: 'again' }))).toBe('again')
}, 120_000)

test('[threat.50] [process] what a person switched off stays off, over a restart of the gateway too', async () => {
  using place = tempHome()
  const log = join(place.home, 'off.log')
  const start = () => startDaemon({ home: place.home })
  let key = ''
  {
    await using first = await start()
    await first.ok('add', 'off', '--yes', '--', ...scripted('plain', log))
    await first.ok('add', 'on', '--yes', '--', ...scripted('plain'))
    key = (await first.ok('key', 'create', 'one')).trim()
    await first.ok('disable', 'off')
  }
  const before = starts(log)
  await using second = await start()
  const caller = await openCaller(second, key)
  expect(textOf(await caller.call('on_echo', { text: 'here' }))).toBe('here')
  expect((await caller.call('off_echo')).error?.data?.code).toMatch(/^(upstream\.disabled|feature\.unknown)$/)
  expect(await caller.names()).not.toContain('off_echo')
  expect(starts(log)).toBe(before)
})
