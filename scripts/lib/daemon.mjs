// The gateway in the foreground: started with a clean environment, stopped by one signal.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { captureLater, cleanEnvironment, dataFolder, say } from './process.mjs'

// A Ctrl-C reaches this program from the terminal and again from npm; both are one wish to stop.
const SAME_PRESS_MS = 500

function option(args, name) {
  for (const [index, arg] of args.entries()) {
    if (arg === name) return args[index + 1] ?? null
    if (arg.startsWith(`${name}=`)) return arg.slice(name.length + 1)
  }
  return null
}

// npm ends its shell on SIGTERM and leaves the shell's children; losing the parent is then the only sign.
const ORPHAN_CHECK_MS = 300

function onOrphaned(act) {
  if (!process.env.npm_lifecycle_event || process.platform === 'win32') return
  const parent = process.ppid
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    act()
  }, ORPHAN_CHECK_MS)
  check.unref()
}

/** Quotes one word for a POSIX shell, where it needs it. */
export const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/**
 * Starts `mcpmux serve` and waits until it answers. `ready` is its line, or null when it ended first; `exited` is its
 * exit code. Signals that reach this program are handed on, so that the gateway drains; it has a session of its own,
 * because one that also got the terminal's signal would take the second for impatience.
 */
export async function startDaemon(binary, args) {
  const json = args.includes('--json')
  const dataDir = option(args, '--data-dir')
  const environment = cleanEnvironment()
  const chosen = dataDir ?? environment.MCPMUX_HOME
  const child = spawn(binary, ['serve', ...args.filter((arg) => arg !== '--json'), '--json'], {
    cwd: process.cwd(),
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  let held = null
  child.stderr.on('data', (chunk) => {
    if (held) held.push(chunk)
    else process.stderr.write(chunk)
  })
  let stopping = false
  let lastSignal = 0
  const handOn = (signal) => {
    const now = Date.now()
    if (stopping && now - lastSignal < SAME_PRESS_MS) return
    if (!stopping) say('\nStopping …')
    stopping = true
    lastSignal = now
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, handOn)
  onOrphaned(() => handOn('SIGTERM'))
  const exited = new Promise((done) => {
    child.on('error', () => done(1))
    child.on('close', (code) => done(code ?? 1))
  })
  const lines = createInterface({ input: child.stdout })
  const first = new Promise((done) => {
    lines.once('line', done)
    lines.once('close', () => done(null))
  })
  const line = await first
  if (json && line !== null) process.stdout.write(`${line}\n`)
  return {
    ready: line === null ? null : JSON.parse(line),
    exited,
    stopping: () => stopping,
    stop: () => handOn('SIGTERM'),
    dataFolder: dataFolder(environment, dataDir),
    /** What has to follow a command line a person types for this data folder. */
    suffix: chosen ? ` --data-dir ${quote(chosen)}` : '',
    /** Does `work` with the gateway's own lines held back; they are shown when it fails, and forgotten when it does not. */
    quietly: async (work) => {
      held = []
      try {
        return await work()
      } catch (error) {
        for (const chunk of held) process.stderr.write(chunk)
        throw error
      } finally {
        held = null
      }
    },
    /** Runs one of the program's own commands against this data folder. */
    command: (...words) => {
      const end = words.indexOf('--')
      const at = end < 0 ? words.length : end
      const folder = dataDir ? ['--data-dir', dataDir] : []
      return captureLater(binary, [...words.slice(0, at), ...folder, ...words.slice(at)], {
        cwd: process.cwd(),
        env: environment,
      })
    },
  }
}
