// How the daemon ends when it is told to.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { binary, cleanEnvironment, type Daemon, eventually, startDaemon } from '../support/daemon'
import { descendantsOf, isAlive, waitUntil } from '../support/processes'
import { type Caller, openCaller, scripted, textOf } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

interface Running extends AsyncDisposable {
  daemon: Daemon
  caller: Caller
  log: string
  family: number[]
}

async function withServer(): Promise<Running> {
  const daemon = await startDaemon()
  const log = join(daemon.home, 'local.log')
  await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain', log))
  const caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'one')).trim())
  const family = descendantsOf(daemon.pid)
  return { daemon, caller, log, family, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() }
}

const heard = (log: string, word: string) =>
  eventually(
    () => Bun.file(log).text(),
    (text) => text.includes(word),
  )

test('[threat.72] SIGTERM lets a call in flight end, takes others until then, and ends with 0', async () => {
  await using running = await withServer()
  const { daemon, caller, log, family } = running
  const open = caller.call('local_slow', { ms: 3000 })
  await heard(log, '"ms":3000')
  daemon.kill('SIGTERM')
  await Bun.sleep(300)
  expect(textOf(await caller.call('local_echo', { text: 'meanwhile' }))).toBe('meanwhile')
  expect(textOf(await open)).toBe('slept')
  expect(await daemon.exited).toBe(0)
  await waitUntil('its processes are gone', () => !family.some(isAlive))
})

test('[threat.72] a call that does not end is given five seconds, and an answer that says why', async () => {
  await using running = await withServer()
  const { daemon, caller, log, family } = running
  const open = caller.call('local_hang')
  await heard(log, '"name":"hang"')
  const asked = performance.now()
  daemon.kill('SIGTERM')
  expect(await daemon.exited).toBe(0)
  const took = performance.now() - asked
  expect(took).toBeGreaterThan(4900)
  expect(took).toBeLessThan(50_000)
  expect((await open).error?.data?.code).toBe('upstream.lost')
  await waitUntil('its processes are gone', () => !family.some(isAlive))
})

test('[threat.72] a second signal ends it at once, and nothing of its servers stays', async () => {
  await using running = await withServer()
  const { daemon, caller, log, family } = running
  const open = caller.call('local_hang').catch(() => null)
  await heard(log, '"name":"hang"')
  const asked = performance.now()
  daemon.kill('SIGTERM')
  await Bun.sleep(300)
  daemon.kill('SIGINT')
  expect(await daemon.exited).toBe(1)
  expect(performance.now() - asked).toBeLessThan(4500)
  await open
  await waitUntil('its processes are gone', () => !family.some(isAlive))
})

test('[threat.72] a daemon whose terminal is closed ends', async () => {
  using place = tempHome()
  let screen = ''
  const child = Bun.spawn([binary, 'serve', '--port', '0'], {
    env: cleanEnvironment(place.home, { MCPMUX_HOME: join(place.home, 'data') }),
    terminal: { cols: 80, rows: 24, data: (_, bytes) => void (screen += new TextDecoder().decode(bytes)) },
  })
  await waitUntil('it serves', () => screen.includes('McpMux serves'))
  const family = [child.pid, ...descendantsOf(child.pid)]
  child.terminal?.close()
  await child.exited
  expect([child.exitCode, child.signalCode]).toEqual([0, null])
  await waitUntil('its processes are gone', () => !family.some(isAlive))
})

test('[threat.72] signals that programs send to look, or by mistake, change nothing', async () => {
  await using running = await withServer()
  const { daemon, caller, family } = running
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGWINCH', 'SIGCONT'] as const) daemon.kill(signal)
  expect(textOf(await caller.call('local_echo', { text: 'still here' }))).toBe('still here')
  expect(descendantsOf(daemon.pid)).toEqual(family)
})
