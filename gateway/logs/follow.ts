import { type LineFilter, type LogLine, passes } from '../domain/log'
import { isChosen, type LogChoice, type LogQuery, named } from './log-reader'

/** One message of a live view. `missed` counts lines that came while its reader slept and were not kept. */
export type LogNews = { event: 'line'; data: LogLine } | { event: 'missed'; data: { lines: number } }

/** Tells live views of lines. */
export interface LiveLines {
  tell(name: string, line: LogLine): void
  /** Lines that exist, then those to come, until `signal` aborts. Pulled by its reader. */
  follow(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogNews>
}

/** Lines, and characters, that wait for one slow reader; then the oldest go. */
const MOST_WAITING = 1000
const MOST_CHARACTERS = 1024 * 1024

interface Waiting {
  push(line: LogLine): void
  next(): LogNews | null
}

function createWaiting(): Waiting {
  let lines: LogLine[] = []
  let characters = 0
  let missed = 0
  return {
    push(line) {
      lines.push(line)
      characters += line.message.length
      if (lines.length <= MOST_WAITING && characters <= MOST_CHARACTERS) return
      const gone = lines.slice(0, Math.ceil(lines.length / 4))
      lines = lines.slice(gone.length)
      missed += gone.length
      for (const { message } of gone) characters -= message.length
    },
    next() {
      if (missed > 0) {
        const news = { event: 'missed', data: { lines: missed } } as const
        missed = 0
        return news
      }
      const line = lines.shift()
      if (!line) return null
      characters -= line.message.length
      return { event: 'line', data: line }
    },
  }
}

/** `read` settles what exists already when it is called, so that no line is told twice or not at all. */
export function createLiveLines(read: (query: LogQuery) => Promise<LogLine[]>): LiveLines {
  const readers = new Set<{ of: LogChoice; filter: LineFilter; tell(line: LogLine): void }>()
  return {
    tell(name, line) {
      for (const reader of readers)
        if (isChosen(name, reader.of) && passes(line, reader.filter)) reader.tell(named(name, line))
    },
    async *follow(query, signal) {
      const waiting = createWaiting()
      let wake = () => {}
      const reader = {
        of: query.of,
        filter: query,
        tell(line: LogLine) {
          waiting.push(line)
          wake()
        },
      }
      const onAbort = () => wake()
      readers.add(reader)
      signal.addEventListener('abort', onAbort)
      try {
        for (const data of await read(query)) yield { event: 'line', data }
        while (!signal.aborted) {
          const news = waiting.next()
          if (news) yield news
          else
            await new Promise<void>((resolve) => {
              wake = resolve
            })
        }
      } finally {
        readers.delete(reader)
        signal.removeEventListener('abort', onAbort)
      }
    },
  }
}
