import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../errors'
import type { Libc } from './libc'

/**
 * Makes this process the only daemon of a data folder until it ends or `release` is called. The kernel drops the
 * lock with the process, so a `kill -9` leaves nothing to clean. Throws `daemon.running` with the holder's pid.
 */
export function lockDataFolder(dataDir: string, libc: Pick<Libc, 'tryLock'>): { release(): void } {
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
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`)
  return { release: () => closeSync(fd) }
}
