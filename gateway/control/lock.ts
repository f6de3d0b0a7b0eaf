import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../errors'
import type { Libc } from './libc'

export interface FolderLock {
  /** False when the folder was moved, replaced or removed: another daemon could hold the one that is there now. */
  holds(): boolean
  release(): void
}

/**
 * Makes this process the only daemon of a data folder until it ends or `release` is called. The kernel drops the
 * lock with the process, so a `kill -9` leaves nothing to clean. Throws `daemon.running` with the holder's pid.
 */
export function lockDataFolder(dataDir: string, libc: Pick<Libc, 'tryLock'>): FolderLock {
  const file = join(dataDir, 'mcpmux.lock')
  let fd: number
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    fd = openSync(file, 'a+', 0o600)
  } catch (cause) {
    throw new GatewayError('store.unwritable', 'the data folder cannot be written', { cause })
  }
  if (!libc.tryLock(fd)) {
    closeSync(fd)
    const pid = readFileSync(file, 'utf8').trim()
    throw new GatewayError('daemon.running', /^\d+$/.test(pid) ? `process ${pid}` : undefined)
  }
  try {
    ftruncateSync(fd)
    writeSync(fd, `${process.pid}\n`)
  } catch {
    // On a full disk the lock holds as well; it only cannot say whose it is.
  }
  const own = fstatSync(fd)
  return {
    holds() {
      try {
        const there = statSync(file, { throwIfNoEntry: false })
        return there !== undefined && there.ino === own.ino && there.dev === own.dev
      } catch {
        // A disk that does not answer is no other folder.
        return true
      }
    },
    release: () => closeSync(fd),
  }
}
