import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** More than any key has. */
const LONGEST = 1024

/** A key kept in a file, its mode put right; null when there is no such file. Follows no link. */
export function readKeyFile(file: string): Uint8Array | null {
  try {
    const handle = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    try {
      chmodSync(file, 0o600)
      const read = new Uint8Array(LONGEST)
      const key = read.slice(0, readSync(handle, read))
      read.fill(0)
      return key
    } finally {
      closeSync(handle)
    }
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw thrown
  }
}

const partOf = (file: string): string => `${file}.part`

/** Whole or not at all, 0600 from the first byte: a crash in between leaves no short key behind, nor a power cut. */
export function writeKeyFile(file: string, key: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const part = partOf(file)
  const handle = openSync(part, 'w', 0o600)
  try {
    chmodSync(part, 0o600)
    writeSync(handle, key)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(part, file)
  syncFolder(dirname(file))
}

/** Without it, a name may be gone after a power cut that what was stored later outlived. */
function syncFolder(folder: string): void {
  let handle: number
  try {
    handle = openSync(folder, constants.O_RDONLY)
  } catch {
    // Windows opens no folders, and keeps names by itself.
    return
  }
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Removes a key file, and what a crash left of writing it. */
export function removeKeyFile(file: string): void {
  rmSync(partOf(file), { force: true })
  rmSync(file, { force: true })
}
