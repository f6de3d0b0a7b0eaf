// One log and its older parts: NAME.ndjson, NAME.1.ndjson … Written at once, so that nothing is lost with the process.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { GatewayError } from '../errors'

export interface LogFile {
  /** Appends one whole line, or throws and leaves the file as it was. */
  append(line: Uint8Array): void
  /** Lets go of the file; the next line opens it again. */
  close(): void
}

const NEWLINE = 0x0a
const { O_RDWR, O_APPEND, O_CREAT } = constants
// Not on every platform.
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0

/** `pathOf(0)` is written to; when it is full it becomes `pathOf(1)` and so on, and the last of `parts` is gone. */
export function createLogFile(options: {
  pathOf: (part: number) => string
  maxBytes: number
  parts: number
}): LogFile {
  const { pathOf, maxBytes, parts } = options
  let open: { descriptor: number; size: number; torn: boolean } | null = null

  function opened() {
    const descriptor = openSync(pathOf(0), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
    try {
      const { size, mode } = fstatSync(descriptor)
      if ((mode & 0o777) !== 0o600) fchmodSync(descriptor, 0o600)
      return { descriptor, size, torn: size > 0 && lastByte(descriptor, size) !== NEWLINE }
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
  }

  function close(): void {
    if (open) closeSync(open.descriptor)
    open = null
  }

  function rotate(): void {
    close()
    for (let part = parts - 1; part > 0; part--) {
      try {
        renameSync(pathOf(part - 1), pathOf(part))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      }
    }
  }

  return {
    close,
    append(line) {
      // A person may have removed it meanwhile.
      if (open && fstatSync(open.descriptor).nlink === 0) close()
      open ??= opened()
      if (open.size > 0 && open.size + line.length > maxBytes) {
        rotate()
        open = opened()
      }
      const bytes = open.torn ? Buffer.concat([Buffer.from('\n'), line]) : line
      let written = 0
      try {
        written = writeSync(open.descriptor, bytes)
        if (written < bytes.length) throw new GatewayError('store.unwritable', 'no space left for a log')
      } catch (error) {
        open.torn ||= !cutBack(open.descriptor, open.size)
        throw error
      }
      open.size += written
      open.torn = false
    },
  }
}

function lastByte(descriptor: number, size: number): number | undefined {
  const byte = new Uint8Array(1)
  readSync(descriptor, byte, 0, 1, size - 1)
  return byte[0]
}

function cutBack(descriptor: number, size: number): boolean {
  try {
    ftruncateSync(descriptor, size)
    return true
  } catch {
    return false
  }
}
