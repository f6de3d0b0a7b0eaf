import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config'
import { GatewayError } from '../errors'

/** What `sun_path` holds on Linux, without its final NUL. */
const MAX_PATH = 107

const ownUid = (): number => process.getuid?.() ?? -1

function folderIdentity(dataDir: string): string {
  try {
    return realpathSync(dataDir)
  } catch {
    return resolve(dataDir)
  }
}

/** A run-time folder left over from another user (after `su`) or another login is passed over, and one others write to. */
function isOurs(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === ownUid() && (found.mode & 0o022) === 0
}

type Places = Pick<Config, 'dataDir' | 'runtimeDir' | 'tempDir'>

function pathsFor(config: Places, runtimeDirs: readonly (string | null)[]): string[] {
  const folder = folderIdentity(config.dataDir)
  const name = `${createHash('sha256').update(folder).digest('hex').slice(0, 24)}.sock`
  const own = `mcpmux-${ownUid()}`
  const places = [
    ...runtimeDirs.flatMap((runtime) => (runtime && isOurs(runtime) ? [join(runtime, 'mcpmux', name)] : [])),
    join(folder, 'run', 'control.sock'),
    join(config.tempDir, own, name),
    join('/tmp', own, name),
  ]
  return [...new Set(places)].filter((place) => Buffer.byteLength(place) <= MAX_PATH)
}

/**
 * Where a daemon puts the control socket of a data folder: one per folder, however the folder is written. In the
 * run-time folder of the login, else inside the data folder, where nobody else can be first; the temporary folder,
 * which is open to everybody, only for a data folder whose path is too long for a socket. Throws `control.unsafe`
 * when all are.
 */
export function controlPath(config: Places): string {
  const [path] = pathsFor(config, [config.runtimeDir])
  if (path === undefined) throw new GatewayError('control.unsafe', 'every path for it is too long')
  return path
}

/**
 * Where to look for the daemon, best first: it may have been started by another kind of login (cron, `su`, a desktop),
 * with another run-time folder or none.
 */
export const controlPaths = (config: Places): readonly string[] =>
  pathsFor(config, [config.runtimeDir, `/run/user/${ownUid()}`])

/** Makes the socket's folder if need be; throws `control.unsafe` unless it is ours and closed to everybody else. */
export function secureFolder(socketPath: string): void {
  const folder = dirname(socketPath)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new GatewayError('control.unsafe', 'it cannot be made', { cause })
  }
  checkFolder(socketPath)
}

/** Throws `control.unsafe` when somebody else could have put the socket there. */
export function checkFolder(socketPath: string): void {
  const found = lstatSync(dirname(socketPath))
  if (!found.isDirectory()) throw new GatewayError('control.unsafe', 'it is not a folder')
  if (found.uid !== ownUid()) throw new GatewayError('control.unsafe', 'it belongs to another user')
  if ((found.mode & 0o077) !== 0)
    throw new GatewayError('control.unsafe', 'others may open it; set its mode to 0700')
}
