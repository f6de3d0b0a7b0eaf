import { GatewayError } from '../errors'
import { chunksOf } from '../net/body'
import { WireError, type Envelope } from '../wire/envelope'
import { rawOf } from '../wire/members'
import { bigMessageBytes, scanMessage, scanMessageAsync } from '../wire/scan'
import { createSseParser, type SseEvent, type SseParser } from '../wire/sse'

export interface StreamHandlers {
  /** One event with data, of type `message` unless it names another. The next one waits for what this returns. */
  onEvent(data: Uint8Array, type: string): void | Promise<void>
  /** The id to go on after, when the stream names one that fits a header. */
  onId?(id: string): void
  /** Milliseconds the server asks to wait before the stream is opened again. */
  onRetry?(ms: number): void
}

/**
 * Reads a `text/event-stream` response to its end, one event after the other. Rejects with `upstream.too_large` when
 * an event passes `maxEventBytes`, and with what the connection broke of.
 */
export async function readEvents(
  response: Response,
  maxEventBytes: number,
  handlers: StreamHandlers,
): Promise<void> {
  let events: SseEvent[] = []
  let lastId: string | null = null
  const parser = createSseParser({
    maxEventBytes,
    onEvent: (event) => void events.push(event),
    onRetry: (ms) => handlers.onRetry?.(ms),
  })
  for await (const chunk of chunksOf(response)) {
    const oversize = pushed(parser, chunk)
    const id = parser.lastEventId()
    if (id !== lastId && id !== null && /^[\x20-\x7e]{1,1024}$/.test(id)) handlers.onId?.(id)
    lastId = id
    const batch = events
    events = []
    for (const { data, type } of batch) {
      if (data.length === 0) continue
      const busy = handlers.onEvent(data, type ?? 'message')
      if (busy) await busy
    }
    if (oversize) throw oversize
  }
}

function pushed(parser: SseParser, chunk: Uint8Array): GatewayError | null {
  try {
    parser.push(chunk)
    return null
  } catch (error) {
    return new GatewayError('upstream.too_large', 'the limit is limits.message_bytes', { cause: error })
  }
}

/** A body without the byte order mark some servers write in front of JSON, which may be ignored (RFC 8259, 8.1). */
export const withoutMark = (body: Uint8Array): Uint8Array =>
  body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body

/** One JSON-RPC message; big ones without holding up others. Throws `upstream.garbage`. */
export function messageOf(bytes: Uint8Array): Envelope | Promise<Envelope> {
  if (bytes.length >= bigMessageBytes) return scanMessageAsync(bytes).catch(garbage)
  try {
    return scanMessage(bytes)
  } catch (error) {
    return garbage(error)
  }
}

function garbage(error: unknown): never {
  if (error instanceof WireError) throw new GatewayError('upstream.garbage', error.message, { cause: error })
  throw error
}

const decoder = new TextDecoder()

/** True when `message` is the response to the request with this id. */
export const isAnswerTo = (message: Envelope, callId: number): boolean =>
  message.kind === 'response' &&
  message.id !== null &&
  decoder.decode(rawOf(message.bytes, message.id)) === String(callId)
