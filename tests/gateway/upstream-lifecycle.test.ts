// Lazy start, idle stop, restart, time-outs and limits of stdio servers, through the compiled binary.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, startDaemon, type Daemon } from '../support/daemon'
import { alive, openCaller, scripted, textOf, type Caller } from '../support/scripted'

let daemon: Daemon
let key: string
let caller: Caller

beforeAll(async () => {
  daemon = await startDaemon()
  await daemon.ok('add', 'plain', '--yes', '--', ...scripted('plain'))
  key = (await daemon.ok('key', 'create', 'tester')).trim()
  caller = await openCaller(daemon, key)
})
afterAll(() => daemon[Symbol.asyncDispose]())

const pidOf = async (tool: string, from = caller) => Number(textOf(await from.call(tool)))

test('[process] a server that dies during a call fails that call with a code, and the next call works', async () => {
  const before = await pidOf('plain_pid')
  const died = await caller.call('plain_die')
  expect(died.error?.data?.code).toBe('upstream.lost')
  const after = await eventually(
    () => pidOf('plain_pid'),
    (pid) => pid > 0,
  )
  expect(after).not.toBe(before)
})

test('[mcp.cancellation] a cancelled call ends, and the server is told', async () => {
  const log = join(daemon.home, 'cancel.log')
  await daemon.ok('add', 'cancel', '--yes', '--', ...scripted('plain', log))
  const call = caller.post(
    '{"jsonrpc":"2.0","id":"c1","method":"tools/call","params":{"name":"cancel_hang"}}',
  )
  await eventually(
    () => readFileSync(log, 'utf8'),
    (text) => text.includes('tools/call'),
  )
  await caller.post(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c1","reason":"enough"}}',
  )
  await eventually(
    () => readFileSync(log, 'utf8'),
    (text) => text.includes('notifications/cancelled'),
  )
  await call
})

test('[limits] a call without answer ends at its time-out, with a code', async () => {
  await daemon.ok('config', 'set', 'timeouts.call_idle', '700')
  const late = await caller.call('plain_hang')
  expect(late.error?.data?.code).toBe('upstream.timeout')
  await daemon.ok('config', 'set', 'timeouts.call_idle', '120000')
})

test('[limits] calls beyond the places and the queue of a server are refused at once', async () => {
  await daemon.ok('config', 'set', 'limits.server_in_flight', '1')
  await daemon.ok('config', 'set', 'limits.server_queue', '1')
  const answers = await Promise.all([1, 2, 3, 4].map(() => caller.call('plain_slow', { ms: 600 })))
  const codes = answers.map((answer) => answer.error?.data?.code ?? 'ok').sort()
  expect(codes).toEqual(['ok', 'ok', 'upstream.busy', 'upstream.busy'])
  await daemon.ok('config', 'set', 'limits.server_in_flight', '256')
  await daemon.ok('config', 'set', 'limits.server_queue', '1024')
})

test('[process] a server nobody uses stops, is idle rather than failed, and starts again on the next call', async () => {
  const pid = await pidOf('plain_pid')
  await daemon.ok('config', 'set', 'timeouts.in_use', '200')
  await daemon.ok('config', 'set', 'timeouts.idle_stop', '300')
  await eventually(
    () => alive(pid),
    (running) => !running,
  )
  await daemon.ok('config', 'set', 'timeouts.idle_stop', '600000')
  const status = await eventually(
    () => daemon.ok('list', '--json'),
    (text) => text.includes('idle'),
  )
  expect(status).not.toContain('failed')
  expect(await pidOf('plain_pid')).not.toBe(pid)
})

test('[mcp.list-changed] a burst of changes is read once, what vanished is gone, and the client is told', async () => {
  await daemon.ok('add', 'changing', '--yes', '--', ...scripted('changing'))
  expect(await caller.names()).toContain('changing_vanish-after')
  const stream = await fetch(daemon.mcpUrl, {
    headers: { Authorization: `Bearer ${key}`, Accept: 'text/event-stream', 'Mcp-Session-Id': caller.id },
  })
  expect(stream.status).toBe(200)
  const reader = stream.body?.getReader()
  if (!reader) throw new Error('no stream')
  await caller.call('changing_change')
  let text = ''
  while (!text.includes('notifications/tools/list_changed')) {
    const { value, done } = await reader.read()
    if (done) break
    text += new TextDecoder().decode(value)
  }
  await reader.cancel()
  expect(text).toContain('notifications/tools/list_changed')
  const names = await eventually(
    () => caller.names(),
    (seen) => seen.includes('changing_version-2'),
  )
  expect(names).not.toContain('changing_vanish-after')
})

test('[faults] a server that dies at every start is reported and paused, and the list stays whole', async () => {
  const added = await daemon.cli('add', 'doomed', '--yes', '--', ...scripted('dies-at-start'))
  expect(added.code).not.toBe(0)
  expect(added.stdout + added.stderr).toContain('upstream.')
  const list = await caller.request('tools/list')
  expect(list.result?.tools?.some((tool) => tool.name === 'plain_echo')).toBe(true)
})

test('[faults] a server of an unknown revision is refused with the version it named', async () => {
  const added = await daemon.cli('add', 'future', '--yes', '--', ...scripted('future-version'))
  expect(added.code).not.toBe(0)
  expect(added.stdout + added.stderr).toContain('2999-01-01')
})

test('[catalog.offline] after a restart the tools are listed before any server runs, and a call starts one', async () => {
  const home = daemon.home
  const first = await startDaemon({ dataDir: join(home, 'restart') })
  const log = join(home, 'restart.log')
  await first.ok('add', 'lazy', '--yes', '--', ...scripted('plain', log))
  const lazyKey = (await first.ok('key', 'create', 'tester')).trim()
  await first[Symbol.asyncDispose]()
  const before = readFileSync(log, 'utf8')
  await using second = await startDaemon({ dataDir: join(home, 'restart') })
  const again = await openCaller(second, lazyKey)
  expect(await again.names()).toContain('lazy_echo')
  expect(readFileSync(log, 'utf8')).toBe(before)
  expect(textOf(await again.call('lazy_echo', { text: 'hi' }))).toBe('hi')
  expect(existsSync(log)).toBe(true)
})
