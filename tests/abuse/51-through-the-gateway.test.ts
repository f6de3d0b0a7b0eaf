// Every mode of the hostile stdio server behind the compiled gateway, one server each, beside one that behaves: each
// call ends in the answer or a typed error, and the neighbour never notices.
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository, startDaemon } from '../support/daemon'
import { residentBytes } from '../support/processes'
import { type Caller, openCaller, scripted, textOf } from '../support/scripted'
import { evil } from '../support/stdio-leg'

/** What a call of `go` comes to. */
const outcomes: Record<string, string> = {
  banner: 'answered',
  bom: 'answered',
  garbage: 'answered',
  'garbage-flood': 'answered',
  blank: 'answered',
  crlf: 'answered',
  nul: 'answered',
  'split-utf8': 'answered',
  'invalid-utf8': 'answered',
  'json-log-lines': 'answered',
  'slow-drip': 'answered',
  'stderr-flood': 'answered',
  'stderr-no-newline': 'answered',
  'notification-flood': 'answered',
  'big-then-small': 'answered',
  'duplicate-id': 'answered',
  'unknown-id': 'answered',
  'asks-back': 'answered',
  'echo-secret': 'answered',
  'answers-and-dies': 'answered',
  'invalid-utf8-answer': 'upstream.garbage',
  'huge-line': 'upstream.too_large',
  'huge-line-id-last': 'upstream.too_large',
  deep: 'upstream.garbage',
  truncated: 'upstream.garbage',
  'duplicate-members': 'upstream.garbage',
  batch: 'upstream.timeout',
  'no-newline': 'upstream.timeout',
  'hangs-on-call': 'upstream.timeout',
  'dies-on-call': 'upstream.lost',
  'killed-on-call': 'upstream.lost',
  'dies-at-start': 'feature.unknown',
  'never-reads': 'feature.unknown',
  'closes-stdin': 'feature.unknown',
  'closes-stdout': 'feature.unknown',
  'hangs-on-initialize': 'feature.unknown',
}

test('[threat.51] every mode of the hostile server is judged', () => {
  const source = readFileSync(join(repository, 'tests/servers/evil-stdio.ts'), 'utf8')
  const modes = [...source.matchAll(/^ {2}'?([a-z0-9-]+)'?: (?:\(|forever)/gm)].map(([, mode]) => mode ?? '')
  expect(modes.length).toBeGreaterThan(25)
  const echoes = ['echo-env', 'echo-argv']
  expect(modes.filter((mode) => !(mode in outcomes) && !echoes.includes(mode))).toEqual([])
  expect(Object.keys(outcomes).length).toBeGreaterThanOrEqual(20)
})

/** Calls the neighbour until told to stop; every answer must be right. */
function keepCalling(caller: Caller) {
  let calls = 0
  let on = true
  const wrong: string[] = []
  const done = (async () => {
    for (; on; calls += 1) {
      const text = `call ${calls}`
      const answer = await caller.call('neighbour_echo', { text }).catch((error: unknown) => String(error))
      if (typeof answer === 'string' || textOf(answer) !== text) wrong.push(JSON.stringify(answer))
      // Always there, and not busy for its own sake.
      await Bun.sleep(5)
    }
  })()
  return {
    async stop() {
      on = false
      await done
      return { calls, wrong }
    },
  }
}

test('[threat.51] [faults] whatever a server does, its call gets an answer or a typed error, and a neighbour is served meanwhile', async () => {
  await using daemon = await startDaemon()
  const set = (key: string, value: number) => daemon.ok('config', 'set', key, String(value))
  await set('limits.parallel_starts', 8)
  await daemon.ok('add', 'neighbour', '--yes', '--', ...scripted('plain'))
  const key = async (name: string) => (await daemon.ok('key', 'create', name)).trim()
  const caller = await openCaller(daemon, await key('one'))
  const neighbour = keepCalling(await openCaller(daemon, await key('two')))
  const before = residentBytes(daemon.pid)

  const add = async (modes: string[], connects: boolean) => {
    const waiting = [...modes]
    const work = async () => {
      for (let mode = waiting.shift(); mode !== undefined; mode = waiting.shift()) {
        const { command, args } = evil(mode)
        const { code } = await daemon.cli(
          'add',
          mode,
          '--alias',
          aliasOf(mode),
          '--yes',
          '--',
          command,
          ...args,
        )
        expect([mode, code === 0]).toEqual([mode, connects])
      }
    }
    await Promise.all(Array.from({ length: 6 }, work))
  }
  const call = async (modes: string[]) => {
    const said = await Promise.all(
      modes.map(async (mode) => {
        const answer = await caller.call(`${aliasOf(mode)}_go`)
        const code = answer.error?.data?.code ?? (answer.result ? 'answered' : 'nothing')
        return code === outcomes[mode] ? null : `${mode}: ${JSON.stringify(answer).slice(0, 200)}`
      }),
    )
    expect(said.filter((one) => one !== null)).toEqual([])
  }
  const modesOf = (...wanted: string[]) =>
    Object.keys(outcomes).filter((mode) => wanted.includes(outcomes[mode] ?? ''))
  const absent = modesOf('feature.unknown')
  const silent = modesOf('upstream.timeout')
  const others = Object.keys(outcomes).filter((mode) => !absent.includes(mode) && !silent.includes(mode))

  // Short time-outs for those that are to run into them, and for nobody else.
  await set('timeouts.initialize', 1500)
  await add(absent, false)
  await set('timeouts.initialize', 60_000)
  await add([...silent, ...others], true)
  await set('timeouts.call_idle', 5000)
  await call(silent)
  await set('timeouts.call_idle', 120_000)
  await call([...absent, ...others])

  const { calls, wrong } = await neighbour.stop()
  expect(wrong).toEqual([])
  expect(calls).toBeGreaterThan(50)
  expect(residentBytes(daemon.pid) - before).toBeLessThan(256 * 2 ** 20)
}, 180_000)

/** Aliases have 20 characters at most. */
const aliasOf = (mode: string) => mode.slice(0, 20).replace(/-$/, '')
