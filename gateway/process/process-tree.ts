import type { FileSink } from 'bun'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { type ProcessTable, TREE_MARK } from './process-table'
import { createTableReader, endTree } from './tree-end'

export interface TreeOptions {
  /** Absolute path of the program; never a line for a shell. */
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
}

/** How the direct child ended: exactly one of the two is set. */
export interface Exit {
  code: number | null
  signal: string | null
}

/** A server's process with everything it starts. */
export interface ProcessTree {
  readonly pid: number
  readonly stdin: FileSink
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Resolves when the direct child ends, whoever still holds its pipes. Never rejects. */
  readonly exited: Promise<Exit>
  /**
   * Ends the whole tree: end of input, after 2 s SIGTERM, after 3 s more SIGKILL, each only to what is left. To be
   * called after `exited` too, for what the child left behind. Idempotent. Resolves when nothing is left, or after
   * 8 s with the number of processes even SIGKILL could not end (stuck in the kernel, or of another user).
   */
  stop(): Promise<number>
}

/** What identifies a tree from outside: for the reaper and for the sweep at the next start. */
export interface TreeRecord {
  pid: number
  startTime: string
  mark: string
}

/** Told of every tree, so that somebody ends it if this process cannot. Does not throw. */
export interface TreeWatch {
  started(tree: TreeRecord): void
  ended(tree: TreeRecord): void
}

export interface ProcessTrees {
  /** Starts a program in a session of its own. Throws `upstream.spawn_failed`. */
  spawn(options: TreeOptions): ProcessTree
  /** Whether a process belongs to a tree started here; such a process may not use the control socket. */
  owns(pid: number): Promise<boolean>
  /** Stops every tree. */
  stopAll(): Promise<void>
}

/** 32 hex digits, one value per run of the gateway: the first half of the mark of every tree. */
export const newRunMark = (runtime: Pick<Runtime, 'randomBytes'>): string =>
  Buffer.from(runtime.randomBytes(16)).toString('hex')

/** What a person can do about a refused spawn; the path stays in the cause. */
function spawnProblem(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  if (code === 'EACCES') return 'the program or its working folder is not accessible; check their permissions'
  if (code === 'ENOENT') return 'the program, its interpreter or its working folder does not exist'
  if (code === 'E2BIG') return 'its arguments and environment are too long for the system'
  if (code === 'EAGAIN' || code === 'ENOMEM' || code === 'EMFILE')
    return 'the system has no room for another process; stop something and try again'
  return 'the system refused to start it'
}

/**
 * Starts and ends trees of processes. On POSIX each is a session of its own and carries a random mark in its
 * environment, by which also those are found that left the session or lost their parents. On Windows that takes a
 * Job Object, which Bun does not offer: there `stop` ends the direct child only.
 */
export function createProcessTrees(deps: {
  runtime: Pick<Runtime, 'randomBytes' | 'sleep' | 'monotonic'>
  processes: ProcessTable
  runMark: string
  watches: readonly TreeWatch[]
}): ProcessTrees {
  const { runtime, processes, runMark, watches } = deps
  const running = new Set<ProcessTree>()
  const freshTable = createTableReader(processes)

  function spawn(options: TreeOptions): ProcessTree {
    const mark = `${runMark}-${Buffer.from(runtime.randomBytes(8)).toString('hex')}`
    const start = () =>
      Bun.spawn({
        cmd: [options.command, ...options.args],
        env: { ...options.env, [TREE_MARK]: mark },
        cwd: options.cwd,
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'pipe',
        lazy: true,
        detached: true,
      })
    let child: ReturnType<typeof start>
    try {
      child = start()
    } catch (cause) {
      throw new GatewayError('upstream.spawn_failed', spawnProblem(cause), { cause })
    }
    const record: TreeRecord = { pid: child.pid, startTime: processes.startTime(child.pid), mark }
    for (const watch of watches) watch.started(record)

    let hasExited = false
    const exited = child.exited.then((code): Exit => {
      hasExited = true
      return child.signalCode ? { code: null, signal: String(child.signalCode) } : { code, signal: null }
    })
    let stopping: Promise<number> | null = null
    async function stop(): Promise<number> {
      const left = await endTree(
        { pid: child.pid, mark, stdin: child.stdin, exited, hasExited: () => hasExited },
        { runtime, freshTable },
      )
      running.delete(tree)
      // What could not be ended stays known to those who may try again.
      if (left === 0) for (const watch of watches) watch.ended(record)
      return left
    }
    const tree: ProcessTree = {
      pid: child.pid,
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      exited,
      stop: () => (stopping ??= stop()),
    }
    running.add(tree)
    return tree
  }

  return {
    spawn,
    async owns(pid) {
      const byPid = new Map((await freshTable()).map((row) => [row.pid, row]))
      const roots = new Set([...running].map((tree) => tree.pid))
      const seen = new Set<number>()
      for (let row = byPid.get(pid); row && !seen.has(row.pid); row = byPid.get(row.ppid)) {
        if (row.mark?.startsWith(`${runMark}-`) || roots.has(row.pgid)) return true
        seen.add(row.pid)
      }
      return false
    },
    async stopAll() {
      await Promise.all([...running].map((tree) => tree.stop()))
    },
  }
}
