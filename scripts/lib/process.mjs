import { spawn, spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A reason to stop that a person can act on; printed without a stack. */
export class Stop extends Error {}

/** Runs a script's main function: a Stop becomes one sentence and exit code 1. */
export async function main(run) {
  try {
    process.exitCode = (await run()) ?? 0
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    process.stderr.write(`\n${error.message}\n`)
    process.exitCode = 1
  }
}

export const say = (line = '') => process.stderr.write(`${line}\n`)

/** Runs to the end with the terminal shared; resolves with the exit code (128 + n for a signal is kept as 1). */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    child.on('error', fail)
    child.on('exit', (code) => done(code ?? 1))
  })
}

/** Runs quietly and waits; `{ code, stdout, stderr }`, code null when it could not start. */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  })
  return {
    code: result.error ? null : result.status,
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
  }
}

/** Like `capture`, without holding up this program's own signals. */
export function captureLater(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    const text = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (chunk) => {
        text[stream] += chunk
      })
    child.on('error', () => done({ code: null, ...text }))
    child.on('close', (code) => done({ code: code ?? 1, ...text }))
  })
}

// Variables that change how Bun, Node or npm behave. A program started by us gets none of them by accident.
const steering = /^(npm_.*|BUN_.*|NODE_OPTIONS|NODE_PATH|NODE_TLS_REJECT_UNAUTHORIZED|INIT_CWD|COLOR)$/i

/** The caller's environment without what npm and Bun would smuggle in, its PATH without npm's own additions. */
export function cleanEnvironment(extra = {}) {
  const environment = {}
  for (const [name, value] of Object.entries(process.env)) if (!steering.test(name)) environment[name] = value
  const added = new Set()
  for (let folder = root; ; folder = dirname(folder)) {
    added.add(join(folder, 'node_modules', '.bin'))
    if (folder === dirname(folder)) break
  }
  environment.PATH = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !added.has(folder) && !folder.endsWith('node-gyp-bin'))
    .join(delimiter)
  return { ...environment, ...extra }
}

const FOLDER = 'com.mcpmux.desktop'

/** The data folder the program will use, by the same rules as its own (`gateway/config.ts`). */
export function dataFolder(environment, option) {
  const home = environment.HOME ?? homedir()
  if (option) return resolve(option)
  if (environment.MCPMUX_HOME) return resolve(environment.MCPMUX_HOME)
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support', FOLDER)
  if (process.platform === 'win32')
    return join(environment.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), FOLDER)
  return join(environment.XDG_DATA_HOME || join(home, '.local', 'share'), FOLDER)
}
