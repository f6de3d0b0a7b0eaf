// Twenty servers, one of which hangs: stopped in the middle of calls, and then while it starts. That is a matter of its
// own callers. Nothing here is measured; what must not wait is over while the hanging one still hangs.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { absentKey } from '../../gateway/router/lists'
import { type Daemon, eventually, startDaemon } from '../support/daemon'
import { type Answer, type Caller, openCaller, scripted, textOf } from '../support/scripted'

const SERVERS = 20
const names = Array.from({ length: SERVERS }, (_, index) => `s${index}`)
const hung = 's7'
const others = names.filter((name) => name !== hung)

const home = mkdtempSync(join(tmpdir(), 'mux-twenty-'))
const obstacle = join(home, 'obstacle')
let daemon: Daemon
let key: string
/** One that calls the server that hangs, and one that never does. */
let caller: Caller
let other: Caller

const open = async () => {
  caller = await openCaller(daemon, key)
  other = await openCaller(daemon, (await daemon.ok('key', 'create', 'other')).trim())
}

beforeAll(async () => {
  daemon = await startDaemon({ home })
  await daemon.ok('config', 'set', 'timeouts.initialize', '3600000')
  await Promise.all(
    names.map((name) => {
      const program = scripted('plain', join(home, `${name}.log`), ...(name === hung ? [obstacle] : []))
      return daemon.ok('add', name, '--yes', '--', ...program)
    }),
  )
  key = (await daemon.ok('key', 'create', 'caller')).trim()
  await open()
}, 120_000)
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

const stateOf = async (name: string) => {
  const { servers } = JSON.parse(await daemon.ok('status', '--json')) as {
    servers: { name: string; state: { status: string } }[]
  }
  return servers.find((server) => server.name === name)?.state.status
}

/** Calls that were answered, in the order of that. */
function watch(calls: Promise<Answer>[]): Answer[] {
  const answered: Answer[] = []
  for (const call of calls) void call.then((answer) => answered.push(answer))
  return answered
}

/** Both clients call every other server, several times at once. */
async function expectOthersServe(): Promise<void> {
  const said = await Promise.all(
    [caller, other].flatMap((client, who) =>
      others.flatMap((name) =>
        [0, 1, 2].map(async (n) => {
          const text = `${name} ${who} ${n}`
          return [text, textOf(await client.call(`${name}_echo`, { text }))]
        }),
      ),
    ),
  )
  expect(said.filter(([sent, back]) => sent !== back)).toEqual([])
}

const listed = async (client: Caller) => {
  const { result } = await client.request('tools/list')
  return { names: (result?.tools ?? []).map(({ name }) => name), missing: result?._meta?.[absentKey] }
}

test('[threat.70] [faults] one of twenty servers hangs in forty calls: the nineteen others and the lists go on', async () => {
  const before = await listed(other)
  expect(before.missing).toBeUndefined()
  for (const name of names) expect(before.names).toContain(`${name}_echo`)
  const pid = Number(textOf(await caller.call(`${hung}_pid`)))
  process.kill(pid, 'SIGSTOP')
  const texts = Array.from({ length: 40 }, (_, n) => `held ${n}`)
  const held = texts.map((text) => caller.call(`${hung}_echo`, { text }))
  const answered = watch(held)
  await expectOthersServe()
  for (const client of [caller, other]) expect(await listed(client)).toEqual(before)
  expect(answered).toEqual([])
  process.kill(pid, 'SIGCONT')
  expect((await Promise.all(held)).map(textOf)).toEqual(texts)
})

test('[threat.70] [catalog.offline] one of twenty hangs in its start: tools/list has all its tools, says what is missing, and waits for nothing', async () => {
  const before = await listed(other)
  daemon.kill('SIGKILL')
  await daemon.exited
  daemon = await startDaemon({ home })
  await open()
  writeFileSync(obstacle, '')
  const answered = watch([caller.call(`${hung}_echo`, { text: 'held' })])
  await eventually(
    () => stateOf(hung),
    (status) => status === 'connecting',
  )
  const missing = [{ server: hung, reason: 'connecting' }]
  for (const client of [caller, other]) expect(await listed(client)).toEqual({ ...before, missing })
  // The others start beside it, on their first call.
  await expectOthersServe()
  expect(await listed(other)).toEqual({ ...before, missing })
  expect([await stateOf(hung), answered]).toEqual(['connecting', []])

  // One that was never up has no tools yet, and is named too.
  const adding = daemon.cli('add', 'novel', '--yes', '--', ...scripted('hangs-at-start'))
  await eventually(
    () => stateOf('novel'),
    (status) => status === 'connecting',
  )
  const both = await listed(other)
  expect(both.names).toEqual(before.names)
  expect(both.missing).toEqual([...missing, { server: 'novel', reason: 'connecting' }])
  await daemon.ok('remove', 'novel', '--yes')
  await adding
  expect(await listed(other)).toEqual({ ...before, missing })

  rmSync(obstacle)
  await daemon.ok('restart', hung)
  expect(textOf(await caller.call(`${hung}_echo`, { text: 'again' }))).toBe('again')
  expect(await listed(other)).toEqual(before)
}, 120_000)
