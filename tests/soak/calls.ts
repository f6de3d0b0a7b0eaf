// Calls without end through the compiled gateway, while clients go and come and servers are killed.
import { readFileSync } from 'node:fs'
import { openConnection } from '../bench/http-connection'
import { echoCommand, processTree, startBench } from '../bench/programs'
import { converse, type Conversation, post, type Target } from '../bench/target'
import { idleShare, readVitals, type Vitals } from './vitals'

export interface CallsWanted {
  minutes: number
  calls: number
  reconnects: number
  crashes: number
}

export interface CallsSeen {
  seconds: number
  calls: number
  answered: number
  /** Calls that ended in an error with a code, by code. */
  refused: Map<string, number>
  /** Everything else, at most twenty. */
  wrong: string[]
  reconnects: number
  crashes: number
  vitals: Vitals[]
  idleBefore: number
  idleAfter: number
  /** Processes of the gateway's tree that were left when it had ended. */
  orphans: number
}

const CLIENTS = 32
const SERVERS = 20
const SAMPLE_MS = 2000
const IDLE_MS = 10_000
/** Minutes of calls that the run stands for, and those after which a quiet session leaves memory. */
const MEANT_MINUTES = 120
const QUIET_MINUTES = 30

const running = (pid: number): number[] =>
  processTree(pid).filter((member) => {
    try {
      return readFileSync(`/proc/${member}/cmdline`, 'latin1').includes('echo-stdio')
    } catch {
      return false
    }
  })

const exists = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

export async function soakCalls(wanted: CallsWanted, say: (line: string) => void): Promise<CallsSeen> {
  const servers = Array.from({ length: SERVERS }, (_, n) => ({ name: `echo${n}`, from: echoCommand() }))
  await using bench = await startBench(servers)
  const { pid } = bench.daemon
  // What a client leaves behind is kept for a while: for as much shorter as the run is.
  const quiet = Math.max(1000, Math.round((QUIET_MINUTES / MEANT_MINUTES) * wanted.minutes * 60_000))
  for (const key of ['timeouts.session_idle', 'timeouts.in_use'])
    await bench.daemon.ok('config', 'set', key, String(quiet))
  const seen: CallsSeen = {
    seconds: 0,
    calls: 0,
    answered: 0,
    refused: new Map(),
    wrong: [],
    reconnects: 0,
    crashes: 0,
    vitals: [],
    idleBefore: await idleShare(pid, IDLE_MS),
    idleAfter: 0,
    orphans: 0,
  }
  const started = performance.now()
  const elapsed = () => performance.now() - started
  const wantedMs = wanted.minutes * 60_000
  const going = () => elapsed() < wantedMs || seen.calls < wanted.calls
  /** How far the run is, so that what happens beside the calls is spread over it. */
  const progress = () =>
    Math.min(1, wantedMs > 0 ? elapsed() / wantedMs : 1, wanted.calls > 0 ? seen.calls / wanted.calls : 1)

  const client = async (index: number) => {
    while (going()) {
      const connection = await openConnection(bench.target.url)
      const conversation = await converse(bench.target, connection)
      const due = () => seen.reconnects < Math.ceil(wanted.reconnects * progress())
      for (let id = 1; going(); id++) {
        const server = (index + id) % SERVERS
        const said = `${index} ${id}`
        const answer = await connection.exchange(
          callOf(bench.target, conversation, id, `echo${server}_echo`, said),
        )
        seen.calls += 1
        judge(seen, answer.text, id, said)
        if (id % 16 !== 0 || !due()) continue
        seen.reconnects += 1
        break
      }
      // Half of them say goodbye, the others are just gone.
      if (index % 2 === 0) await connection.exchange(goodbye(bench.target, conversation))
      connection.close()
    }
  }
  const killer = async () => {
    for (let turn = 0; going(); turn++) {
      await Bun.sleep(50)
      if (seen.crashes >= Math.ceil(wanted.crashes * progress())) continue
      const pids = running(pid)
      const victim = pids[turn % Math.max(1, pids.length)]
      if (victim === undefined) continue
      process.kill(victim, 'SIGKILL')
      seen.crashes += 1
    }
  }
  const watch = async () => {
    for (let readings = 0; going(); readings++) {
      seen.vitals.push(readVitals(pid, elapsed() / 1000, seen.calls))
      if (readings % 30 === 0) {
        const last = seen.vitals.at(-1)
        say(`${last?.at.toFixed(0)} s: ${last?.calls} calls, ${((last?.bytes ?? 0) / 1e6).toFixed(1)} MB`)
      }
      await Bun.sleep(SAMPLE_MS)
    }
  }
  await Promise.all([killer(), watch(), ...Array.from({ length: CLIENTS }, (_, index) => client(index))])
  seen.seconds = elapsed() / 1000
  seen.idleAfter = await idleShare(pid, IDLE_MS)
  seen.vitals.push(readVitals(pid, seen.seconds, seen.calls))
  const tree = processTree(pid)
  await bench.daemon.ok('quit')
  await bench.daemon.exited
  await Bun.sleep(5000)
  seen.orphans = tree.filter(exists).length
  return seen
}

function judge(seen: CallsSeen, text: string, id: number, said: string): void {
  if (text === `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${said}"}]}}`) {
    seen.answered += 1
    return
  }
  const code = /"data":\{"code":"(upstream\.[a-z_]+)"/.exec(text)?.[1]
  if (code && text.includes(`"id":${id},`)) seen.refused.set(code, (seen.refused.get(code) ?? 0) + 1)
  else if (seen.wrong.length < 20) seen.wrong.push(`call ${id} (${said}): ${text.slice(0, 300)}`)
}

const callOf = (target: Target, conversation: Conversation, id: number, name: string, said: string) =>
  post(
    { ...conversation, target },
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":{"message":"${said}"}}}`,
  )

function goodbye(target: Target, conversation: Conversation): Uint8Array {
  const text = Buffer.from(post({ ...conversation, target }, '')).toString('latin1')
  return Buffer.from(text.replace(/^POST/, 'DELETE'), 'latin1')
}
