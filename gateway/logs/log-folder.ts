import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createLogFile, type LogFile } from './log-file'

/** Names of the gateway's own logs; all others are ids of servers. */
export const APP_LOG = 'mcpmux'
export const AUDIT_LOG = 'audit'

/** How much may be written. */
export interface LogBounds {
  /** Bytes of one part of a log, and how many parts are kept. */
  partBytes: number
  parts: number
  /** Bytes of all logs together; the oldest parts go first. */
  totalBytes: number
}

export const logBounds: LogBounds = {
  partBytes: 5 * 1024 * 1024,
  parts: 5,
  totalBytes: 250 * 1024 * 1024,
}

/** The folder of the logs (0700), made when the first line is written. */
export interface LogFolder {
  /** Appends one line with its newline. Throws what the disk says. */
  append(name: string, line: Uint8Array): void
  /** Existing parts of a log, the newest first. */
  parts(name: string): string[]
  /** Logs that have a file. */
  names(): string[]
  remove(name: string): void
  close(): void
}

const logName = /^[A-Za-z0-9-]{1,64}$/
const fileName = /^([A-Za-z0-9-]{1,64})(?:\.([1-9]\d{0,2}))?\.ndjson$/

export function createLogFolder(folder: string, bounds: LogBounds = logBounds): LogFolder {
  const files = new Map<string, LogFile>()
  let ready = false
  /** Bytes of all logs; counted when the first line is written. */
  let total = 0

  const pathOf = (name: string, part: number) =>
    join(folder, part === 0 ? `${name}.ndjson` : `${name}.${part}.ndjson`)

  function list(): { name: string; part: number; path: string; size: number; changedAt: number }[] {
    try {
      return readdirSync(folder).flatMap((entry) => {
        const [, name, part = '0'] = fileName.exec(entry) ?? []
        const path = join(folder, entry)
        const stat = name === undefined ? undefined : statSync(path, { throwIfNoEntry: false })
        if (name === undefined || !stat?.isFile()) return []
        return [{ name, part: Number(part), path, size: stat.size, changedAt: stat.mtimeMs }]
      })
    } catch {
      return []
    }
  }

  const count = () => {
    total = list().reduce((sum, { size }) => sum + size, 0)
  }

  function prepare(): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if ((statSync(folder).mode & 0o777) !== 0o700) chmodSync(folder, 0o700)
    if (!ready) count()
    ready = true
  }

  /** Makes room for another part. Who did what is kept, however much else there is to tell. */
  function prune(): void {
    const oldest = list()
      .filter(({ name }) => name !== AUDIT_LOG)
      .sort((a, b) => a.changedAt - b.changedAt || b.part - a.part)
    count()
    for (const { name, part, path, size } of oldest) {
      if (total + bounds.partBytes <= bounds.totalBytes) return
      if (part === 0) files.get(name)?.close()
      rmSync(path, { force: true })
      total -= size
    }
  }

  function fileOf(name: string): LogFile {
    const known = files.get(name)
    if (known) return known
    const file = createLogFile({
      pathOf: (part) => pathOf(name, part),
      maxBytes: bounds.partBytes,
      parts: bounds.parts,
    })
    files.set(name, file)
    return file
  }

  return {
    append(name, line) {
      if (!logName.test(name)) return
      if (!ready || !statSync(folder, { throwIfNoEntry: false })) prepare()
      if (total + line.length > bounds.totalBytes) prune()
      fileOf(name).append(line)
      total += line.length
    },
    parts: (name) =>
      list()
        .filter((file) => file.name === name)
        .sort((a, b) => a.part - b.part)
        .map(({ path }) => path),
    names: () => [...new Set(list().map(({ name }) => name))],
    remove(name) {
      files.get(name)?.close()
      files.delete(name)
      for (const file of list()) if (file.name === name) rmSync(file.path, { force: true })
      count()
    },
    close() {
      for (const file of files.values()) file.close()
      files.clear()
    },
  }
}
