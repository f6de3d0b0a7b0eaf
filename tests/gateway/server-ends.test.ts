// Servers that end by a person's will while something is under way.
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { processesWithArgument, waitUntil } from '../support/processes'
import { scripted } from '../support/scripted'
import { startSourceDaemon } from '../support/source-daemon'

type Daemon = Awaited<ReturnType<typeof startSourceDaemon>>
const heard = (log: string, words: string) => existsSync(log) && readFileSync(log, 'utf8').includes(words)
const add = (daemon: Daemon, name: string, mode: string, log: string, ...options: string[]) =>
  daemon.cli(['add', name, ...options, '--yes', '--', ...scripted(mode, log)])

test('[process] [faults] a call to a server that is disabled meanwhile fails at once and says why', async () => {
  await using daemon = await startSourceDaemon()
  const log = join(daemon.home, 'calls.log')
  expect((await add(daemon, 'busy', 'plain', log)).code).toBe(0)
  const call = daemon.cli(['call', 'busy/hang'])
  await waitUntil('the call arrived', () => heard(log, '"name":"hang"'))
  expect((await daemon.cli(['disable', 'busy'])).code).toBe(0)
  const { code, stderr } = await call
  expect(code).toBe(1)
  expect(stderr).toContain('it was disabled (upstream.lost)')
  expect(processesWithArgument(log)).toEqual([])
})

test('[process] a removed Space takes its running and its starting servers with it', async () => {
  await using daemon = await startSourceDaemon()
  const ready = join(daemon.home, 'ready.log')
  const starting = join(daemon.home, 'starting.log')
  expect((await daemon.cli(['space', 'create', 'other'])).code).toBe(0)
  expect((await add(daemon, 'ready', 'plain', ready, '--space', 'other')).code).toBe(0)
  const adding = add(daemon, 'starting', 'hangs-at-start', starting, '--space', 'other')
  await waitUntil('the start hangs', () => heard(starting, 'initialize'))
  expect(processesWithArgument(ready).length).toBeGreaterThan(0)
  expect((await daemon.cli(['space', 'remove', 'other', '--yes'])).code).toBe(0)
  expect((await adding).stderr).toContain('upstream.unavailable')
  expect([...processesWithArgument(ready), ...processesWithArgument(starting)]).toEqual([])
})

test('[cli] [faults] quit during add leaves a whole server and no process, and add says what happened', async () => {
  let log = ''
  const first = await startSourceDaemon()
  const { home } = first
  try {
    log = join(home, 'starting.log')
    const adding = add(first, 'half', 'hangs-at-start', log)
    await waitUntil('the start hangs', () => heard(log, 'initialize'))
    const status = JSON.parse((await first.cli(['status', '--json'])).stdout) as {
      servers: { state: { status: string } }[]
    }
    expect(status.servers.map(({ state }) => state.status)).toEqual(['connecting'])
    expect((await first.cli(['quit'])).code).toBe(0)
    const { code, stderr } = await adding
    expect(stderr).toContain('half is added, but not connected: the gateway stopped')
    expect(stderr).not.toContain('daemon.absent')
    expect(code).toBe(1)
    expect(await first.exited).toBe(0)
    expect(processesWithArgument(log)).toEqual([])
    await using again = await startSourceDaemon(
      {},
      {
        home,
        cli: first.cli,
        onTerminal: first.onTerminal,
        [Symbol.dispose]: () => {},
      },
    )
    const shown = JSON.parse((await again.cli(['show', 'half', '--json'])).stdout)
    expect([shown.state.status, shown.consent.givenBy]).toEqual(['idle', 'cli'])
  } finally {
    await first[Symbol.asyncDispose]()
  }
})
