// The command line run from source, and a daemon driven by it: like `daemon.ts`, without a build in between. `npm test`
// has built already, and says so: the compiled program starts with a quarter of the work.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ControlFetch, createControlFetch } from '../../gateway/control/connect'
import { readConfig } from '../../gateway/config'
import { cleanEnvironment, type CliResult, repository } from './daemon'

/** The words the command line begins with. */
export const program = process.env.MUX_TEST_PROGRAM
  ? [process.env.MUX_TEST_PROGRAM]
  : [process.execPath, join(repository, 'gateway', 'main.ts')]

export interface SourceDaemon extends AsyncDisposable {
  home: string
  dataDir: string
  mcpUrl: string
  adminUrl: string
  pid: number
  exited: Promise<number>
  kill(signal: NodeJS.Signals): void
  /** All that the daemon wrote to stderr so far. */
  log(): string
  cli: Cli
  /** The control socket, from this process. */
  fetch: ControlFetch
}

export type Cli = (args: readonly string[], more?: CliMore) => Promise<CliResult>
interface CliMore {
  env?: Record<string, string>
  stdin?: string
  cwd?: string
}

/** A home folder that is gone after the test, and the command line in it. */
export function tempHome() {
  const home = mkdtempSync(join(tmpdir(), 'mux-cli-'))
  const cli: Cli = async (args, { env = {}, stdin, cwd = home } = {}) => {
    const child = Bun.spawn([...program, ...args], {
      cwd,
      env: cleanEnvironment(home, env),
      stdin: stdin === undefined ? 'ignore' : new Blob([stdin]),
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    return { code, stdout, stderr }
  }
  return {
    home,
    cli,
    /** Runs on a terminal; each `[prompt, keys]` types the keys once the prompt is on the screen. */
    async onTerminal(
      args: readonly string[],
      typing: readonly [string, string][],
      env: Record<string, string> = {},
    ) {
      let screen = ''
      const left = [...typing]
      let from = 0
      const child = Bun.spawn([...program, ...args], {
        cwd: home,
        env: cleanEnvironment(home, env),
        terminal: {
          cols: 200,
          rows: 50,
          data(terminal, bytes) {
            screen += new TextDecoder().decode(bytes)
            const next = left[0]
            const at = next ? screen.indexOf(next[0], from) : -1
            if (!next || at < 0) return
            from = at + next[0].length
            left.shift()
            terminal.write(next[1])
          },
        },
      })
      const code = await child.exited
      return { code, screen, unasked: left.map(([prompt]) => prompt) }
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  }
}

/** Starts `serve` on free ports in a home folder (default: a new one); ends it and removes the folder afterwards. */
export async function startSourceDaemon(
  env: Record<string, string> = {},
  place = tempHome(),
  options: readonly string[] = ['--verbose'],
  main?: string,
): Promise<SourceDaemon & { onTerminal: ReturnType<typeof tempHome>['onTerminal'] }> {
  const dataDir = join(place.home, 'data')
  const words = main ? [process.execPath, join(repository, main)] : program
  const child = Bun.spawn([...words, 'serve', '--port', '0', '--json', ...options], {
    cwd: place.home,
    env: cleanEnvironment(place.home, { MCPMUX_HOME: dataDir, ...env }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let errors = ''
  const reading = (async () => {
    for await (const chunk of child.stderr) errors += new TextDecoder().decode(chunk)
  })()
  let ready = ''
  for await (const chunk of child.stdout) {
    ready += new TextDecoder().decode(chunk)
    if (ready.includes('\n')) break
  }
  if (!ready) {
    await reading
    throw new Error(`serve ended at once: ${errors}`)
  }
  const { mcpUrl, adminUrl, pid } = JSON.parse(ready) as { mcpUrl: string; adminUrl: string; pid: number }
  const own = { MCPMUX_HOME: dataDir }
  return {
    home: place.home,
    dataDir,
    mcpUrl,
    adminUrl,
    pid,
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    log: () => errors,
    cli: (args, more = {}) => place.cli(args, { ...more, env: { ...own, ...more.env } }),
    onTerminal: (args, typing, more = {}) => place.onTerminal(args, typing, { ...own, ...more }),
    fetch: createControlFetch({ ...readConfig(dataDir), runtimeDir: place.home }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await child.exited
      clearTimeout(late)
      await reading
      place[Symbol.dispose]()
    },
  }
}
