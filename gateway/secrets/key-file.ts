import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** A key kept in a file, its mode put right; null when there is no such file. Follows no link. */
export function readKeyFile(file: string): Uint8Array | null {
  try {
    const handle = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    try {
      chmodSync(file, 0o600)
      return new Uint8Array(readFileSync(handle))
    } finally {
      closeSync(handle)
    }
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw thrown
  }
}

/** Whole or not at all, 0600 from the first byte: a crash in between leaves no short key behind. */
export function writeKeyFile(file: string, key: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const part = `${file}.part`
  const handle = openSync(part, 'w', 0o600)
  try {
    chmodSync(part, 0o600)
    writeSync(handle, key)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(part, file)
}
