import { WireError } from './envelope'
import { createPieces } from './pieces'
import { decodeUtf8, encodeUtf8 } from './text'

/** One event of a stream. `type` and `id` are null when the event does not name them. */
export interface SseEvent {
  type: string | null
  id: string | null
  data: Uint8Array
}

export interface SseParser {
  /** Throws WireError 'size' when an event goes over the cap; the parser is of no use afterwards. */
  push(chunk: Uint8Array): void
  /**
   * The last id the stream has named, for Last-Event-ID; it outlives events, also those without data. That of an event
   * that is not whole yet does not count: who asked for what follows it would never get the event itself.
   */
  lastEventId(): string | null
}

const lineFeed = new Uint8Array([0x0a])
const nothing = new Uint8Array(0)

/**
 * Reads `text/event-stream` (WHATWG HTML 9.2.6) from bytes, however its chunks fall: lines end with LF, CR or CRLF, a
 * byte order mark at the start and comments are dropped, data lines are joined with LF. An event without a data line is
 * not reported; one with an empty data line is. An event cut off by the end of the stream is dropped. `data` may be a
 * view into the chunk. `maxEventBytes` caps the bytes of one event's lines and, alone, of any line.
 */
export function createSseParser(options: {
  maxEventBytes: number
  onEvent(event: SseEvent): void
  onRetry(milliseconds: number): void
}): SseParser {
  const { maxEventBytes, onEvent, onRetry } = options
  const line = createPieces()
  const lines = createPieces()
  let afterCr = false
  let atStart = true
  let type: string | null = null
  let id: string | null = null
  let lastId: string | null = null
  /** Null: no data line yet. The first is kept as it is, more are joined in `lines`. */
  let data: Uint8Array | null = null
  let eventBytes = 0

  const guard = (bytes: number) => {
    if (bytes > maxEventBytes) throw new WireError('size', `an event of more than ${maxEventBytes} bytes`)
  }

  const dispatch = () => {
    const event = data === null ? null : { type, id, data: lines.length > 0 ? lines.take() : data }
    lastId = id ?? lastId
    type = null
    id = null
    data = null
    eventBytes = 0
    if (event !== null) onEvent(event)
  }

  const field = (name: string, value: Uint8Array) => {
    if (name === 'data') {
      if (data === null) {
        data = value
        return
      }
      if (lines.length === 0) lines.add(data)
      lines.add(lineFeed)
      lines.add(value)
    } else if (name === 'event') {
      type = value.length === 0 ? null : decodeUtf8(value)
    } else if (name === 'id') {
      if (!value.includes(0)) id = decodeUtf8(value)
    } else if (name === 'retry') {
      const text = decodeUtf8(value)
      if (/^\d{1,15}$/.test(text)) onRetry(Number(text))
    }
  }

  const take = (raw: Uint8Array) => {
    let text = raw
    if (atStart) {
      atStart = false
      if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) text = text.subarray(3)
    }
    if (text.length === 0) return dispatch()
    const found = text.indexOf(0x3a)
    if (found === 0) return
    eventBytes += text.length
    guard(eventBytes)
    const split = found < 0 ? text.length : found
    if (split > 5) return
    const start = split + (text[split + 1] === 0x20 ? 2 : 1)
    field(decodeUtf8(text.subarray(0, split)), found < 0 ? nothing : text.subarray(start))
  }

  const endLine = (last: Uint8Array) => {
    if (line.length === 0) return take(last)
    guard(line.length + last.length)
    line.add(last)
    take(line.take())
  }

  return {
    lastEventId: () => lastId,
    push(chunk) {
      let from = 0
      if (afterCr && chunk.length > 0) {
        afterCr = false
        if (chunk[0] === 0x0a) from = 1
      }
      let lf = chunk.indexOf(0x0a, from)
      let cr = chunk.indexOf(0x0d, from)
      while (lf >= 0 || cr >= 0) {
        const end = lf < 0 || (cr >= 0 && cr < lf) ? cr : lf
        const last = chunk.subarray(from, end)
        from = end + 1
        if (end === cr) {
          if (from === chunk.length) afterCr = true
          else if (chunk[from] === 0x0a) from++
          cr = chunk.indexOf(0x0d, from)
        }
        if (lf >= 0 && lf < from) lf = chunk.indexOf(0x0a, from)
        endLine(last)
      }
      if (from < chunk.length) {
        guard(line.length + chunk.length - from)
        line.add(from === 0 ? chunk : chunk.subarray(from))
      }
    },
  }
}

/**
 * One event as bytes. Each line of `data` becomes its own field, so that any bytes arrive as they were (CR and CRLF
 * as LF). `id` and `event` must not contain line breaks.
 */
export function sseEvent(event: { id?: string; event?: string; data: Uint8Array }): Uint8Array {
  let head = ''
  if (event.id !== undefined) head += `id: ${event.id}\n`
  if (event.event !== undefined) head += `event: ${event.event}\n`
  const { data } = event
  if (!data.includes(0x0a) && !data.includes(0x0d)) {
    const start = encodeUtf8(`${head}data: `)
    const out = new Uint8Array(start.length + data.length + 2)
    out.set(start)
    out.set(data, start.length)
    out[out.length - 2] = 0x0a
    out[out.length - 1] = 0x0a
    return out
  }
  const lines = decodeUtf8(data).split(/\r\n|\r|\n/)
  return encodeUtf8(`${head}${lines.map((line) => `data: ${line}\n`).join('')}\n`)
}
