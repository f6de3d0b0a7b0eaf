import { GatewayError } from '../errors'
import { discard, readBody } from '../net/body'
import type { Runtime } from '../runtime'
import type { Envelope } from '../wire/envelope'
import { mediaTypeOf } from './http-headers'
import type { HttpSession } from './http-session'
import { isAnswerTo, messageOf, readEvents, withoutMark } from './http-stream'

export interface AnswerOptions {
  session: HttpSession
  maxMessageBytes: number
  runtime: Pick<Runtime, 'sleep' | 'random' | 'monotonic'>
  /** Something arrived for a call: its answer, or a message on its stream before that. */
  onMessage(message: Envelope, callId: number): void
  /** The answer has come; what is left of the stream may be cut off. */
  onAnswered(callId: number): void
  log(line: string): void
}

/** Shortest pause before a stream is taken up again, whatever the server asks for. */
const SHORTEST_PAUSE = 100
const DEFAULT_PAUSE = 1000
const LONGEST_PAUSE = 300_000
/** Attempts in a row that bring nothing until the call counts as lost. */
const ATTEMPTS = 5
/** A stream that was open this long was a good one: it may be quiet, and be cut off for that, as often as it likes. */
const GOOD_STREAM = 5000

/** Reads what a server answers to one POSTed request. */
export interface AnswerReader {
  /**
   * Resolves when the answer was handed on. Rejects with `upstream.garbage`, `upstream.too_large` or `upstream.lost`
   * when none will come. A stream that breaks is taken up again where that is `resumable`.
   */
  read(response: Response, callId: number, signal: AbortSignal, resumable: boolean): Promise<void>
}

export function createAnswerReader(options: AnswerOptions): AnswerReader {
  const { session, maxMessageBytes, runtime } = options

  async function readJson(response: Response, callId: number): Promise<void> {
    const scanned = messageOf(withoutMark(await readBody(response, maxMessageBytes)))
    const message = scanned instanceof Promise ? await scanned : scanned
    if (!isAnswerTo(message, callId)) throw new GatewayError('upstream.garbage', 'its answer has another id')
    options.onAnswered(callId)
    options.onMessage(message, callId)
  }

  async function readStreams(
    first: Response,
    callId: number,
    signal: AbortSignal,
    resumable: boolean,
  ): Promise<void> {
    let lastEventId: string | null = null
    let retry: number | null = null
    let answered = false
    let idle = 0
    let response: Response | null = first
    for (;;) {
      const before = lastEventId
      const since = runtime.monotonic()
      if (response) {
        try {
          await readEvents(response, maxMessageBytes, {
            onEvent: async (data, type) => {
              if (type === 'message' && (await receive(data, callId))) answered = true
            },
            onId: (id) => {
              lastEventId = id
            },
            onRetry: (ms) => {
              retry = ms
            },
          })
        } catch (error) {
          if (answered) return
          if (signal.aborted) throw error
          if (error instanceof GatewayError && error.code === 'upstream.too_large') throw error
        }
      }
      if (answered) return
      if (lastEventId === null || !resumable)
        throw new GatewayError('upstream.lost', 'its stream ended before the answer')
      const good = response !== null && runtime.monotonic() - since >= GOOD_STREAM
      idle = good || lastEventId !== before ? 0 : idle + 1
      if (idle >= ATTEMPTS) throw new GatewayError('upstream.lost', 'its stream could not be taken up again')
      const asked = Math.min(Math.max(retry ?? DEFAULT_PAUSE, SHORTEST_PAUSE), LONGEST_PAUSE)
      await runtime.sleep(asked * 2 ** idle + runtime.random() * SHORTEST_PAUSE, signal)
      response = await resume(lastEventId, signal)
    }
  }

  /** The rest of a call's stream (MCP 2025-11-25: resumability); null when this attempt failed but another may not. */
  async function resume(lastEventId: string, signal: AbortSignal): Promise<Response | null> {
    let response: Response
    try {
      response = await session.get(lastEventId, signal, 0)
    } catch (error) {
      if (signal.aborted) throw error
      return null
    }
    if (response.status === 200 && mediaTypeOf(response) === 'text/event-stream') return response
    await discard(response)
    // 409: the server has not noticed yet that the stream before broke.
    if (response.status >= 500 || response.status === 429 || response.status === 409) return null
    throw new GatewayError(
      'upstream.lost',
      `its stream ended before the answer and cannot be taken up (HTTP ${response.status})`,
    )
  }

  async function receive(data: Uint8Array, callId: number): Promise<boolean> {
    let message: Envelope
    try {
      message = await messageOf(data)
    } catch (error) {
      options.log(
        `an event that is no message: ${error instanceof GatewayError ? error.message : 'unreadable'}`,
      )
      return false
    }
    const answer = isAnswerTo(message, callId)
    if (answer) options.onAnswered(callId)
    options.onMessage(message, callId)
    return answer
  }

  return {
    async read(response, callId, signal, resumable) {
      const type = mediaTypeOf(response)
      if (type === 'application/json' && response.status === 200) return readJson(response, callId)
      if (type === 'text/event-stream') return readStreams(response, callId, signal, resumable)
      await discard(response)
      const what =
        response.status === 200
          ? type === ''
            ? 'no content'
            : 'another kind of content'
          : `HTTP ${response.status}`
      throw new GatewayError('upstream.garbage', `${what} where the answer to a call belongs`)
    },
  }
}
