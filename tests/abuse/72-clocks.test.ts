// Clocks that jump, and a machine that slept.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../../gateway/config'
import { createControlFetch } from '../../gateway/control/connect'
import { type Gateway, startGateway } from '../../gateway/gateway'
import { systemRuntime } from '../../gateway/runtime'
import { createBackoff } from '../../gateway/upstream/backoff'
import { createFailures } from '../../gateway/upstream/failures'
import { GatewayError } from '../../gateway/errors'
import { eventually, startDaemon } from '../support/daemon'
import { processesWithArgument, waitUntil } from '../support/processes'
import { everythingRemote } from '../support/reference-servers'
import { openCaller, scripted, textOf, type Caller } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SERVERS = 12

let place: ReturnType<typeof tempHome>
let gateway: Gateway
let caller: Caller
/** What is added to the two clocks. */
const ahead = { wall: 0, monotonic: 0 }
const logOf = (n: number) => join(place.home, `server-${n}.log`)
const startsOf = (n: number) =>
  readFileSync(`${logOf(n)}.starts`, 'utf8')
    .trim()
    .split('\n')
    .map(Number)

beforeAll(async () => {
  place = tempHome()
  const config = { ...readConfig(join(place.home, 'data')), runtimeDir: place.home }
  const runtime = {
    ...systemRuntime,
    now: () => systemRuntime.now() + ahead.wall,
    monotonic: () => systemRuntime.monotonic() + ahead.monotonic,
  }
  gateway = await startGateway(config, { runtime, port: 0 })
  const control = createControlFetch(config)
  const ask = async <T>(method: string, path: string, body?: object) => {
    const response = await control(`http://localhost${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return (await response.json()) as T
  }
  const [space] = await ask<{ id: string }[]>('GET', '/spaces')
  for (let n = 0; n < SERVERS; n++) {
    // Says when it was started, and takes its time.
    const script = 'date +%s%3N >> "$0.starts"; sleep 0.4; exec "$@" "$0"'
    const { id } = await ask<{ id: string }>('POST', '/servers', {
      spaceId: space?.id,
      name: `s${n}`,
      definition: {
        type: 'stdio',
        command: '/bin/sh',
        args: ['-c', script, logOf(n), ...scripted('plain')],
        env: {},
        cwd: null,
      },
      inputs: [],
      source: 'cli',
      consent: { givenBy: 'cli' },
    })
    await ask('POST', `/servers/${id}/connect`, {})
  }
  const { key } = await ask<{ key: string }>('POST', '/keys', { client: 'one' })
  caller = await openCaller(gateway, key)
})
afterAll(async () => {
  await gateway.stop()
  place[Symbol.dispose]()
})

for (const [what, by] of [
  ['a day ahead', DAY],
  ['a day back', -DAY],
  ['eight hours ahead', 8 * HOUR],
] as const)
  test(`[threat.72] a clock that is set ${what} ends no session and no server, and a server that dies comes back`, async () => {
    const before = textOf(await caller.call('s0_pid'))
    ahead.wall += by
    expect(textOf(await caller.call('s0_pid'))).toBe(before)
    // Some beats, in which everything that looks at a clock does so.
    await Bun.sleep(2500)
    expect(textOf(await caller.call('s0_pid'))).toBe(before)
    expect((await caller.names()).length).toBe(SERVERS * 7)
    const lost = await caller.call('s1_die')
    expect(lost.error?.data?.code).toBe('upstream.lost')
    await eventually(
      () => caller.call('s1_echo', { text: 'back' }),
      (answer) => textOf(answer) === 'back',
    )
    ahead.wall -= by
    expect(textOf(await caller.call('s0_pid'))).toBe(before)
  })

test('[threat.72] after eight hours of sleep calls that were open end soon, one way or the other, and a session goes on', async () => {
  const answered = caller.call('s2_slow', { ms: 600 })
  const hanging = caller.call('s3_hang')
  await eventually(
    () => readFileSync(logOf(3), 'utf8'),
    (text) => text.includes('"name":"hang"'),
  )
  ahead.wall += 8 * HOUR
  ahead.monotonic += 8 * HOUR
  expect((await hanging).error?.data?.code).toBe('upstream.timeout')
  expect([textOf(await answered), (await answered).error?.data?.code]).toContainEqual(
    expect.stringMatching(/^(slept|upstream.timeout)$/),
  )
  expect(textOf(await caller.call('s2_echo', { text: 'awake' }))).toBe('awake')
})

test('[threat.72] servers that were stopped meanwhile are started again when they are called, four at a time', async () => {
  ahead.wall += 8 * HOUR
  ahead.monotonic += 8 * HOUR
  const starts = () => Array.from({ length: SERVERS }, (_, n) => startsOf(n).length)
  const before = starts()
  // Nobody used them for eight hours, so that they are stopped: not at once, because this looks like a sleep.
  const running = () => before.filter((_, n) => processesWithArgument(logOf(n)).length > 0)
  await waitUntil('all are stopped', () => running().length === 0)
  const answers = await Promise.all(before.map((_, n) => caller.call(`s${n}_echo`, { text: `s${n}` })))
  expect(answers.map(textOf)).toEqual(before.map((_, n) => `s${n}`))
  expect(starts()).toEqual(before.map((many) => many + 1))
  const last = before.map((_, n) => startsOf(n).at(-1) ?? 0)
  const atOnce = last.map((at) => last.filter((other) => other >= at && other < at + 300).length)
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(4)
})

test('[threat.72] what the clock is set to neither forgives a failing server nor holds it back', () => {
  const at = { wall: 1_000 * DAY, monotonic: 5_000 }
  const clock = { now: () => at.wall, monotonic: () => at.monotonic }
  const failures = createFailures(clock, createBackoff({ ...clock, random: () => 1 }))
  const fail = () => failures.record(new GatewayError('upstream.spawn_failed'))
  for (let n = 0; n < 5; n++) {
    fail()
    at.wall += n % 2 === 0 ? DAY : -DAY
    at.monotonic += 100
  }
  expect(failures.refusal({ words: 'it', space: '' }).code).toBe('upstream.crash_loop')
  const wait = failures.wait()
  for (const jump of [DAY, -3 * DAY]) {
    at.wall += jump
    expect(failures.wait()).toBe(wait)
    expect(failures.refusal({ words: 'it', space: '' }).code).toBe('upstream.crash_loop')
  }
  at.monotonic += wait
  expect(failures.wait()).toBe(0)
  failures.recovered()
  at.wall -= DAY
  at.monotonic += 30_000
  fail()
  expect(failures.refusal({ words: 'it', space: '' }).code).toBe('upstream.unavailable')
  expect(failures.state()).toMatchObject({ status: 'failed', retryAt: at.wall + failures.wait() })
})

test('[threat.72] what arrived while the daemon was stopped counts, also when its time is over', async () => {
  await using daemon = await startDaemon()
  await using web = await everythingRemote('streamableHttp')
  await using events = await everythingRemote('sse')
  await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain', join(daemon.home, 'local.log')))
  await daemon.ok('add', 'web', '--yes', '--url', web.url)
  await daemon.ok('add', 'events', '--yes', '--transport', 'sse', '--url', events.url)
  await daemon.ok('config', 'set', 'timeouts.call_idle', '5000')
  const one = await openCaller(daemon, (await daemon.ok('key', 'create', 'one')).trim())
  const open = one.call('local_slow', { ms: 1000 })
  await eventually(
    () => readFileSync(join(daemon.home, 'local.log'), 'utf8'),
    (text) => text.includes('"ms":1000'),
  )
  daemon.kill('SIGSTOP')
  await Bun.sleep(8000)
  daemon.kill('SIGCONT')
  expect(textOf(await open)).toBe('slept')
  for (const name of ['web_echo', 'events_echo'])
    expect(textOf(await one.call(name, { message: 'awake' }))).toBe('Echo: awake')
  expect(textOf(await one.call('local_echo', { text: 'awake' }))).toBe('awake')
})
