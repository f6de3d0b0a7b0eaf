import type { LineFilter, LogLine } from '../domain/log'
import { APP_LOG, AUDIT_LOG, type LogFolder } from './log-folder'
import { readBack } from './read-back'

/** Which logs: the gateway's own, who changed what, everything, or one server's by its id. */
export type LogChoice = 'app' | 'audit' | 'all' | { server: string }

export interface LogQuery extends LineFilter {
  of: LogChoice
  /** So many of the newest lines. */
  limit: number
}

const isOwn = (name: string): boolean => name === APP_LOG || name === AUDIT_LOG

/** Whether a log is one of those chosen. */
export function isChosen(name: string, of: LogChoice): boolean {
  if (of === 'all') return true
  if (of === 'app') return isOwn(name)
  return name === (of === 'audit' ? AUDIT_LOG : of.server)
}

/** A server's file does not name it; its lines do, once they leave it. */
export const named = (name: string, line: LogLine): LogLine =>
  isOwn(name) ? line : { ...line, server: name }

/** Characters one answer may have. */
const LONGEST_ANSWER = 16 * 1024 * 1024

/**
 * The newest lines that are wanted, over several logs, the oldest of them first. Which lines exist is settled by the
 * call itself; reading them goes on in the background, and holds no more than what is asked for.
 */
export function readLogs(folder: LogFolder, { of, limit, ...filter }: LogQuery): Promise<LogLine[]> {
  const chosen = folder.names().filter((name) => isChosen(name, of))
  const sources = chosen.map((name) => ({ name, lines: readBack(folder.parts(name), filter) }))
  return newest(sources, limit)
}

async function newest(
  sources: readonly { name: string; lines: AsyncGenerator<LogLine> }[],
  limit: number,
): Promise<LogLine[]> {
  const found: LogLine[] = []
  let length = 0
  try {
    const heads = await Promise.all(sources.map(async (it) => ({ ...it, head: await it.lines.next() })))
    while (found.length < limit && length < LONGEST_ANSWER) {
      let latest: (typeof heads)[number] | null = null
      for (const one of heads)
        if (!one.head.done && (!latest || latest.head.done || one.head.value.time > latest.head.value.time))
          latest = one
      if (!latest || latest.head.done) break
      const line = named(latest.name, latest.head.value)
      found.push(line)
      length += line.message.length + 200
      latest.head = await latest.lines.next()
    }
  } finally {
    for (const { lines } of sources) await lines.return(undefined)
  }
  return found.reverse()
}
