// Files below a folder in which files may come and go meanwhile.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every file below a folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** What is in a file; nothing when it is gone since it was listed. */
export function bytesIn(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

/** Text of all files below a folder. */
export const everyFile = (folder: string): string =>
  filesBelow(folder)
    .map((path) => bytesIn(path).toString('latin1'))
    .join('\n')
