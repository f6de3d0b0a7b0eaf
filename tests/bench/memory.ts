import { rmSync } from 'node:fs'
import { type Daemon, eventually, startDaemon } from '../support/daemon'
import { informing, megabytes, type Row } from './figures'
import { openLoader } from './load'
import { echoCommand, footprint, furnish, newHome, targetOf } from './programs'
import { converse, open, type Target } from './target'

const sessions = 100
const warmUpSessions = 50
const soakCalls = 1_000_000

const limit = (bytes: number, most: number) => ({
  measured: bytes / 1e6,
  target: `≤ ${most} MB`,
  ok: bytes / 1e6 <= most,
})

/** Resident memory of all processes of the gateway: idle, for each session, and with `soak` after a million calls. */
export async function memoryRows(soak: boolean): Promise<Row[]> {
  const home = newHome()
  try {
    const { key, tool } = await prepare(home)
    await using daemon = await startDaemon({ home })
    return await measure(daemon, targetOf(daemon, key, tool), soak)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Twenty servers, each read once and stopped as soon as it is idle. */
async function prepare(home: string): Promise<{ key: string; tool: string }> {
  const servers = Array.from({ length: 20 }, (_, index) => ({
    name: `echo${index + 1}`,
    from: echoCommand(10),
  }))
  const { daemon, key, target } = await furnish(home, servers)
  await daemon.ok('config', 'set', 'timeouts.idle_stop', '1000')
  await daemon[Symbol.asyncDispose]()
  return { key, tool: target.tool }
}

async function measure(daemon: Daemon, target: Target, soak: boolean): Promise<Row[]> {
  const rows: Row[] = []
  const row = (figure: string, bytes: number, verdict: Pick<Row, 'measured' | 'target' | 'ok'>, base = '') =>
    rows.push({ part: 'memory', figure, base, value: megabytes(bytes), ...verdict })

  const idle = await quiet(daemon)
  row('idle, 20 servers, none started', idle, limit(idle, 80))

  await openSessions(target, warmUpSessions)
  const before = await steady(daemon)
  await openSessions(target, sessions)
  const each = Math.max(0, ((await steady(daemon)) - before) / sessions)
  row(`each of ${sessions} idle sessions`, each, limit(each, 1))

  const loader = await openLoader(target)
  await loader.calls(32, 50_000)
  const loaded = await steady(daemon)
  row('after 50 000 calls', loaded, informing(loaded / 1e6))
  if (soak) {
    await loader.calls(32, soakCalls)
    const after = await steady(daemon)
    row(
      'after 1 000 000 more',
      after,
      { ...limit(after - loaded, 20), target: '+ ≤ 20 MB' },
      megabytes(loaded),
    )
  }
  loader.close()
  return rows
}

async function openSessions(target: Target, count: number): Promise<void> {
  const { connection } = await open(target)
  for (let index = 1; index < count; index++) await converse(target, connection)
  connection.close()
}

/** Waits until no server runs any more. */
async function quiet(daemon: Daemon): Promise<number> {
  await eventually(
    () => footprint(daemon.pid),
    ({ servers }) => servers === 0,
    60_000,
  )
  return steady(daemon)
}

/** The least of readings over three seconds, so that a collection that is due counts. */
async function steady(daemon: Daemon): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let reading = 0; reading < 10; reading++) {
    await Bun.sleep(300)
    least = Math.min(least, footprint(daemon.pid).bytes)
  }
  return least
}
