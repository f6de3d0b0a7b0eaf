// How a tree of processes is ended: patience first, then force, until nothing of it is left.
import type { FileSink } from 'bun'
import type { Runtime } from '../runtime'
import { type ProcessRow, type ProcessTable, treeMembers } from './process-table'

const TERM_AFTER = 2000
const KILL_AFTER = 3000
const GIVE_UP_AFTER = 3000
const FIRST_LOOK = 25
const SLOWEST_LOOK = 200

/** Sends a signal (0 only asks) to what may be gone already; a negative pid is a group. */
export function sendSignal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** Reads of the table that begin after they were asked for; those who ask while one is awaited share the next. */
export function createTableReader(processes: ProcessTable): () => Promise<ProcessRow[]> {
  let current: Promise<unknown> = Promise.resolve()
  let next: Promise<ProcessRow[]> | null = null
  return () => {
    next ??= current.then(() => {
      next = null
      const reading = processes.read()
      current = reading.catch(() => null)
      return reading
    })
    return next
  }
}

interface EndingTree {
  pid: number
  mark: string
  stdin: FileSink
  exited: Promise<unknown>
  hasExited(): boolean
}

/** Ends one tree as `ProcessTree.stop` promises; resolves with the number of processes that could not be ended. */
export async function endTree(
  tree: EndingTree,
  deps: { runtime: Pick<Runtime, 'sleep' | 'monotonic'>; freshTable: () => Promise<ProcessRow[]> },
): Promise<number> {
  const { pid, mark, hasExited } = tree
  const { runtime, freshTable } = deps
  // Who cleared the environment and lost the parents is recognised from an earlier look only.
  const known = new Map<number, string>()
  // Once the leader is reaped, its number stays ours only as long as the group was never seen empty.
  let groupHeld = true

  async function left(): Promise<ProcessRow[]> {
    const rows = await freshTable()
    if (hasExited() && groupHeld) groupHeld = sendSignal(-pid, 0)
    const all = new Map(treeMembers(rows, groupHeld ? pid : null, mark).map((row) => [row.pid, row]))
    for (const row of rows) if (known.get(row.pid) === row.startTime) all.set(row.pid, row)
    for (const row of all.values()) known.set(row.pid, row.startTime)
    return [...all.values()]
  }

  /** Empty means seen empty twice: a fork can slip past one look. */
  async function emptyWithin(ms: number): Promise<boolean> {
    const until = runtime.monotonic() + ms
    for (let pause = FIRST_LOOK; ; pause = Math.min(pause * 2, SLOWEST_LOOK)) {
      if (hasExited() && (await left()).length === 0 && (await left()).length === 0) return true
      const remaining = until - runtime.monotonic()
      if (remaining <= 0) return false
      const wait = runtime.sleep(Math.min(pause, remaining))
      await (hasExited() ? wait : Promise.race([tree.exited, wait]))
    }
  }

  async function signalAll(name: NodeJS.Signals): Promise<void> {
    const rows = await left()
    // The group in one go, so that nothing forks in between.
    const sent = groupHeld && sendSignal(-pid, name)
    // Where there are no groups the direct child is all that can be reached.
    if (!sent && !hasExited()) sendSignal(pid, name)
    for (const row of rows) if (!groupHeld || row.pgid !== pid) sendSignal(row.pid, name)
  }

  await left()
  try {
    // Bytes a server never reads keep `end` waiting; they are not worth more than a moment.
    await Promise.race([tree.stdin.end(), runtime.sleep(FIRST_LOOK)])
  } catch {
    // The reading end is gone, which is all that end of input was to tell.
  }
  if (await emptyWithin(TERM_AFTER)) return 0
  await signalAll('SIGTERM')
  if (await emptyWithin(KILL_AFTER)) return 0
  for (const until = runtime.monotonic() + GIVE_UP_AFTER; runtime.monotonic() < until; ) {
    await signalAll('SIGKILL')
    if (await emptyWithin(100)) return 0
  }
  return (await left()).length
}
