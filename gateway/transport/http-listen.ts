import { GatewayError } from '../errors'
import { discard } from '../net/body'
import { UnreachedError } from '../net/reach'
import type { Runtime } from '../runtime'
import type { Envelope } from '../wire/envelope'
import { retryAfterOf } from '../net/retry-after'
import { mediaTypeOf } from './http-headers'
import type { HttpSession } from './http-session'
import { messageOf, readEvents } from './http-stream'

export interface ListenOptions {
  session: HttpSession
  maxMessageBytes: number
  runtime: Pick<Runtime, 'sleep' | 'random' | 'monotonic' | 'now'>
  signal: AbortSignal
  onMessage(message: Envelope): void
  /** The server is gone or has forgotten the session; the stream is not tried again. */
  onLost(error: GatewayError): void
  log(line: string): void
}

/** A stream without a byte for this long is opened anew: it may be half-open after a sleep. */
const QUIET_LIMIT = 300_000
const FIRST_WAIT = 1000
const LONGEST_WAIT = 60_000
const LONGEST_RETRY = 300_000
/** A stream that lived this long was a good one; what went wrong before it is forgotten. */
const GOOD_STREAM = 30_000
/** Refusals in a row until a server is taken to be gone. */
const REFUSALS = 3
/** Attempts at a stream the server has never opened. */
const FIRST_ATTEMPTS = 5

/**
 * Keeps the stream for messages outside calls open (MCP 2025-11-25: GET on the endpoint) until `signal` aborts. A
 * server that offers none is left alone. Resolves in every case.
 */
export async function listen(options: ListenOptions): Promise<void> {
  const { session, runtime, signal } = options
  let lastEventId: string | null = null
  let retry = 0
  let failures = 0
  let refusals = 0
  let everOpen = false

  while (!signal.aborted) {
    let wait = 0
    const startedAt = runtime.monotonic()
    let sawEvent = false
    try {
      const response = await session.get(lastEventId, signal, QUIET_LIMIT)
      refusals = 0
      if (response.status === 200 && mediaTypeOf(response) === 'text/event-stream') {
        everOpen = true
        await readEvents(response, options.maxMessageBytes, {
          onEvent: async (data, type) => {
            sawEvent = true
            if (type === 'message' && !signal.aborted) await receive(data)
          },
          onId: (id) => {
            lastEventId = id
          },
          onRetry: (ms) => {
            retry = Math.min(ms, LONGEST_RETRY)
          },
        })
      } else {
        await discard(response)
        // 409: the server has not noticed yet that the stream before broke.
        const passing = response.status >= 500 || response.status === 429 || response.status === 409
        if (everOpen && !passing)
          return options.onLost(new GatewayError('upstream.lost', 'it ended the session'))
        if (!passing || response.status === 501) return
        wait = retryAfterOf(response, runtime.now()) ?? 0
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof UnreachedError && ++refusals >= REFUSALS) {
        return options.onLost(new GatewayError('upstream.lost', 'it no longer accepts connections'))
      }
      if (error instanceof GatewayError && error.code !== 'net.failed') {
        options.log(`its stream of notifications failed: ${error.message}`)
      }
    }
    failures = sawEvent || runtime.monotonic() - startedAt >= GOOD_STREAM ? 0 : failures + 1
    if (!everOpen && failures >= FIRST_ATTEMPTS) return
    const backoff = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures)
    const pause = Math.max(wait, retry, backoff * (0.5 + runtime.random() / 2))
    if (!(await slept(pause))) return
  }

  async function receive(data: Uint8Array): Promise<void> {
    try {
      options.onMessage(await messageOf(data))
    } catch (error) {
      options.log(
        `an event that is no message: ${error instanceof GatewayError ? error.message : 'unreadable'}`,
      )
    }
  }

  function slept(ms: number): Promise<boolean> {
    return runtime.sleep(ms, signal).then(
      () => true,
      () => false,
    )
  }
}
