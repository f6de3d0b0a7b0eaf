import {
  knownFields,
  type LineFields,
  type LineLevel,
  type LineSource,
  type LogLine,
  type ServerSource,
} from '../domain/log'
import { createRate, type Rate } from '../domain/rate'
import type { Server } from '../domain/server'
import type { Runtime } from '../runtime'
import type { Redactor } from '../secrets/redactor'
import { createLiveLines, type LogNews } from './follow'
import { APP_LOG, AUDIT_LOG, createLogFolder, type LogBounds } from './log-folder'
import { type LogQuery, readLogs } from './log-reader'

/** Where every line goes: into a file for each server, one for the gateway and one for who changed what. */
export interface Journal extends LogReader, Disposable {
  /** A line about a server, for its own log. Returns it as it was written. */
  server(
    id: Server['id'],
    level: LineLevel,
    source: ServerSource,
    message: string,
    fields?: LineFields,
  ): string
  /** A line about the gateway. */
  gateway(level: LineLevel, message: string, fields?: LineFields): void
  /** Who changed or tried what. */
  audit(level: LineLevel, message: string, fields?: LineFields): void
  /** Takes the log of a removed server along; what is still said of it is dropped. */
  remove(serverId: string): void
  /** The same for every server that is not among these: they were removed while nothing was written. */
  retain(serverIds: readonly string[]): void
}

/** What the admin API gives to those who read. */
export interface LogReader {
  read(query: LogQuery): Promise<LogLine[]>
  follow(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogNews>
}

const LONGEST_MESSAGE = 8 * 1024
const LONGEST_FIELD = 1024
/** After a failure the disk is left alone for this long. */
const PAUSE_MS = 1000

/** One log: how often it may be written, and what is missing from it. */
interface Stream {
  rate: Rate
  leftOut: number
  lost: number
  retryAt: number
}

/** Writing never throws and never waits: what the disk does not take is dropped, counted and told when it does. */
export function createJournal(deps: {
  folder: string
  redact: Redactor['redact']
  runtime: Pick<Runtime, 'now' | 'monotonic'>
  bounds?: LogBounds
}): Journal {
  const { redact, runtime } = deps
  const files = createLogFolder(deps.folder, deps.bounds)
  const streams = new Map<string, Stream>()
  const removed = new Set<string>()
  const live = createLiveLines((query) => readLogs(files, query))

  function streamOf(name: string): Stream {
    const known = streams.get(name)
    if (known) return known
    const rate = createRate({ burst: 500, perSecond: 50, runtime })
    const stream = { rate, leftOut: 0, lost: 0, retryAt: 0 }
    streams.set(name, stream)
    return stream
  }

  const clean = (text: string, longest: number): string => {
    const shown = redact(text)
    return shown.length > longest ? `${shown.slice(0, longest - 1)}…` : shown
  }

  function lineOf(level: LineLevel, source: LineSource, message: string, fields: LineFields): LogLine {
    const shown = Object.fromEntries(
      Object.entries(knownFields(fields)).map(([name, value]) => [
        name,
        typeof value === 'string' ? clean(value, LONGEST_FIELD) : value,
      ]),
    )
    return {
      time: new Date(runtime.now()).toISOString(),
      level,
      source,
      message: clean(message, LONGEST_MESSAGE),
      ...shown,
    }
  }

  /** False when the line is not in the file. */
  function put(name: string, line: LogLine): boolean {
    live.tell(name, line)
    try {
      files.append(name, Buffer.from(`${JSON.stringify(line)}\n`))
      return true
    } catch {
      return false
    }
  }

  function write(name: string, source: LineSource, line: () => LogLine): LogLine | null {
    if (removed.has(name)) return null
    const stream = streamOf(name)
    if (!stream.rate.take()) {
      stream.leftOut++
      return null
    }
    if (stream.leftOut > 0) {
      const missing = stream.leftOut
      stream.leftOut = 0
      const text = `${missing} lines left out: too many at once`
      put(name, lineOf('warning', source, text, { missing }))
    }
    const made = line()
    const now = runtime.monotonic()
    const resting = now < stream.retryAt
    if (!resting && stream.lost > 0) {
      const missing = stream.lost
      const text = `${missing} lines could not be written to the disk`
      if (put(name, lineOf('warning', source, text, { missing }))) stream.lost = 0
    }
    if (resting) live.tell(name, made)
    if (resting || !put(name, made)) {
      stream.lost++
      if (!resting) stream.retryAt = now + PAUSE_MS
    }
    return made
  }

  const own =
    (name: string, source: 'Gateway' | 'Audit') =>
    (level: LineLevel, message: string, fields: LineFields = {}): void => {
      write(name, source, () => lineOf(level, source, message, fields))
    }

  const remove = (serverId: string): void => {
    removed.add(serverId)
    streams.delete(serverId)
    try {
      files.remove(serverId)
    } catch {
      // It is tried again at the next start.
    }
  }

  return {
    server(id, level, source, message, fields = {}) {
      return write(id, source, () => lineOf(level, source, message, fields))?.message ?? redact(message)
    },
    gateway: own(APP_LOG, 'Gateway'),
    audit: own(AUDIT_LOG, 'Audit'),
    remove,
    retain(serverIds) {
      const kept = [...serverIds, APP_LOG, AUDIT_LOG]
      for (const name of files.names()) if (!kept.includes(name)) remove(name)
    },
    read: (query) => readLogs(files, query),
    follow: live.follow,
    [Symbol.dispose]: () => files.close(),
  }
}
