import type { Runtime } from '../runtime'
import type { TreeRecord, TreeWatch } from './process-tree'
import { reaperScript } from './reaper-script'

/**
 * A small shell beside the gateway that outlives it by two seconds: when the gateway is gone, also by `kill -9`, it
 * sends every tree TERM, a second later KILL, and ends. It is started anew when it dies itself. Windows has none:
 * there a Job Object would do this.
 */
export interface Reaper extends TreeWatch {
  /** Its process; null on Windows and in the second before it is started anew. */
  pid(): number | null
  /** Lets it go, as at a normal end; it ends what is left of the trees. Resolves when it is gone. */
  close(): Promise<void>
}

const RESTART_AFTER = 1000

export function createReaper(deps: {
  runtime: Pick<Runtime, 'sleep'>
  platform: NodeJS.Platform
  runMark: string
  onError(error: unknown): void
}): Reaper {
  const { runtime, platform, runMark, onError } = deps
  const live = new Map<string, TreeRecord>()
  const closed = new AbortController()
  let shell: ReturnType<typeof start> | null = null

  function start() {
    const child = Bun.spawn({
      cmd: ['/bin/sh', '-c', reaperScript],
      // What is known goes along with the start: the gateway may be killed before it could write a line.
      env: {
        PATH: '/usr/bin:/bin',
        LC_ALL: 'C',
        run: runMark,
        trees: [...live.values()].map(({ pid, startTime }) => ` ${pid}:${startTime}`).join(''),
      },
      cwd: '/',
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
      detached: true,
    })
    child.unref()
    return child
  }

  /** A reaper that cannot be written to is one that just died; the next one is told everything. */
  function tell(text: string): void {
    if (!shell) return
    try {
      const { stdin } = shell
      void stdin.write(text)
      Promise.resolve(stdin.flush()).catch(() => null)
    } catch {
      return
    }
  }

  async function keepRunning(): Promise<void> {
    while (!closed.signal.aborted) {
      shell = start()
      await shell.exited
      shell = null
      await runtime.sleep(RESTART_AFTER, closed.signal)
    }
  }

  const done =
    platform === 'win32'
      ? Promise.resolve()
      : keepRunning().catch((error: unknown) => {
          if (!closed.signal.aborted) onError(error)
        })

  return {
    pid: () => shell?.pid ?? null,
    started(tree) {
      live.set(tree.mark, tree)
      tell(`+ ${tree.pid} ${tree.startTime}\n`)
    },
    ended(tree) {
      live.delete(tree.mark)
      tell(`- ${tree.pid}\n`)
    },
    async close() {
      closed.abort()
      // Beside the running gateway it must not keep the process alive; the wait for its end must.
      shell?.ref()
      try {
        await shell?.stdin.end()
      } catch {
        // Gone already.
      }
      await done
    },
  }
}
