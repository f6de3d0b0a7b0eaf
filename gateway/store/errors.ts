import { SQLiteError } from 'bun:sqlite'
import { GatewayError } from '../errors'

const FULL = 13
const BUSY = 5
const LOCKED = 6
const unwritable = new Set([3, 8, 10, 14]) // PERM, READONLY, IOERR, CANTOPEN
const broken = new Set([11, 26]) // CORRUPT, NOTADB

/** SQLite's primary result code (sqlite.org/rescode.html), or null for anything else. */
const primaryCode = (thrown: unknown): number | null =>
  thrown instanceof SQLiteError ? thrown.errno & 0xff : null

const isFileError = (thrown: unknown): thrown is NodeJS.ErrnoException =>
  thrown instanceof Error && 'code' in thrown && 'syscall' in thrown

const NO_SPACE = 'no space left on the disk, free some and try again'

/** A failure of the database or of its folder as a GatewayError; anything else comes back as it was. */
export function toStoreError(thrown: unknown): unknown {
  if (isFileError(thrown))
    return thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT'
      ? unwritableBecause(NO_SPACE, thrown)
      : unwritableBecause('the data folder is read-only for you, check its rights or choose another', thrown)
  const code = primaryCode(thrown)
  if (code === FULL) return unwritableBecause(NO_SPACE, thrown)
  if (code === BUSY || code === LOCKED)
    return unwritableBecause('another program holds it open, close that program', thrown)
  if (code !== null && unwritable.has(code))
    return unwritableBecause('check the disk and the rights of the data folder', thrown)
  if (code !== null && broken.has(code)) return brokenBecause(thrown)
  return thrown
}

export const unwritableBecause = (detail: string, cause?: unknown): GatewayError =>
  new GatewayError('store.unwritable', detail, { cause })

export const brokenBecause = (cause?: unknown): GatewayError =>
  new GatewayError('store.broken', 'restore mcpmux.db from the backups folder or move it away', { cause })
