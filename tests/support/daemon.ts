// The compiled binary as a person runs it: a daemon in a throw-away data folder, driven by its own command line.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const repository = resolve(import.meta.dir, '../..')
export const binary = join(repository, 'dist', 'mcpmux')

export interface CliResult {
  code: number
  stdout: string
  stderr: string
}

export interface Daemon extends AsyncDisposable {
  dataDir: string
  home: string
  mcpUrl: string
  adminUrl: string
  pid: number
  exited: Promise<number>
  /** Runs `mcpmux ARGS --data-dir …`. */
  cli(...args: string[]): Promise<CliResult>
  /** Like `cli`, but a non-zero exit is an error that shows what was printed. */
  ok(...args: string[]): Promise<string>
  kill(signal: NodeJS.Signals): void
}

/** A clean environment: what a login would have, nothing of the test runner's. */
export function cleanEnvironment(home: string, extra: Record<string, string> = {}): Record<string, string> {
  return {
    HOME: home,
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    LANG: 'C.UTF-8',
    TMPDIR: tmpdir(),
    XDG_RUNTIME_DIR: home,
    ...extra,
  }
}

export async function runCli(
  args: string[],
  env: Record<string, string>,
  stdin?: string,
): Promise<CliResult> {
  const child = Bun.spawn([binary, ...args], {
    env,
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

export interface DaemonOptions {
  dataDir?: string
  home?: string
  args?: string[]
  env?: Record<string, string>
  /** Words before the program: one that ends in running it. */
  through?: string[]
}

/** Starts `mcpmux serve` on a free port. Disposing kills it and removes its folder. */
export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'mux-home-'))
  const dataDir = options.dataDir ?? join(home, 'data')
  const env = cleanEnvironment(home, options.env)
  const child = Bun.spawn(
    [
      ...(options.through ?? []),
      binary,
      'serve',
      '--port',
      '0',
      '--data-dir',
      dataDir,
      '--json',
      ...(options.args ?? []),
    ],
    {
      env,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  const ready = await firstLine(child.stdout)
  if (!ready) throw new Error(`serve ended at once: ${await new Response(child.stderr).text()}`)
  const { mcpUrl, adminUrl, pid } = JSON.parse(ready) as { mcpUrl: string; adminUrl: string; pid: number }
  const cli = (...args: string[]) => {
    const rest = args.indexOf('--')
    const place = rest === -1 ? args.length : rest
    return runCli([...args.slice(0, place), '--data-dir', dataDir, ...args.slice(place)], env)
  }
  return {
    dataDir,
    home,
    mcpUrl,
    adminUrl,
    pid,
    exited: child.exited,
    cli,
    async ok(...args) {
      const { code, stdout, stderr } = await cli(...args)
      if (code !== 0) throw new Error(`mcpmux ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`)
      return stdout
    },
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const ended = await Promise.race([child.exited.then(() => true), Bun.sleep(15_000).then(() => false)])
      if (!ended) child.kill('SIGKILL')
      await child.exited
      if (!options.home && !options.dataDir) rmSync(home, { recursive: true, force: true })
    },
  }
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string | null> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (value) text += decoder.decode(value, { stream: true })
    const end = text.indexOf('\n')
    if (end >= 0) {
      reader.releaseLock()
      return text.slice(0, end)
    }
    if (done) return null
  }
}

/** Polls until the check holds, or fails after `timeout` ms with what it saw last. */
export async function eventually<T>(
  check: () => Promise<T> | T,
  holds: (seen: T) => boolean,
  timeout = 60_000,
): Promise<T> {
  const end = Date.now() + timeout
  for (;;) {
    const seen = await check()
    if (holds(seen)) return seen
    if (Date.now() > end) throw new Error(`never held; last seen: ${JSON.stringify(seen)?.slice(0, 500)}`)
    await Bun.sleep(50)
  }
}
