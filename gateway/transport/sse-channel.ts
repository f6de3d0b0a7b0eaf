// The leg for servers of the HTTP+SSE transport (MCP 2024-11-05): one stream down, one POST for each message up.
import { IdTable } from '../collections/id-table'
import { GatewayError, toGatewayError } from '../errors'
import { discard } from '../net/body'
import type { SafeFetch } from '../net/safe-fetch'
import type { Runtime } from '../runtime'
import type { Secret } from '../secrets/secret'
import type { Authorization } from './authorization'
import { AuthorizedRequest } from './authorized'
import { UndeliveredError, type Channel, type ChannelEvents, type ChannelLimits } from './channel'
import { mediaTypeOf, ownHeaders } from './http-headers'
import { ACKNOWLEDGE_TIMEOUT, createOutbox } from './http-outbox'
import { readRefusal, sendFailure } from './http-refusals'
import { parseUrl } from './http-session'
import { messageOf, readEvents } from './http-stream'
import { createStrayLog } from './stray-log'

export interface SseOptions {
  url: string
  headers: Readonly<Record<string, Secret | string>>
  limits: ChannelLimits
  events: ChannelEvents
  safeFetch: SafeFetch
  runtime: Pick<Runtime, 'sleep' | 'now'>
  /** What gives its requests their tokens; null where there is no sign-in. */
  authorization: Authorization | null
  /** PEM of the only authority this server's certificate is checked against; the system's when absent. */
  ca?: string
}

const decoder = new TextDecoder()

/**
 * Opens the stream and waits for the `endpoint` event. The endpoint must lie on the stream's own origin, so that the
 * configured headers and the token, which is for the stream's address, reach nobody else. Rejects with a GatewayError;
 * the leg ends when the stream does.
 */
export async function openSse(options: SseOptions): Promise<Channel> {
  const { limits, events, runtime, safeFetch, ca, authorization } = options
  const url = parseUrl(options.url)
  const headers = ownHeaders(options.headers)
  const common = {
    trust: { kind: 'typed' },
    redirects: 'same-origin',
    connectTimeout: limits.connectTimeout,
    ca,
  } as const
  const headersWith = (token: Secret | null) =>
    token === null ? headers : { ...headers, authorization: `Bearer ${token.reveal()}` }
  const within = (token: Secret | null) => (next: URL) =>
    token === null || authorization?.covers(next) === true
  const log = createStrayLog(events.onLog)
  const outbox = createOutbox(limits.maxQueuedBytes, runtime)
  const life = new AbortController()
  const calls = new IdTable<AbortController>()
  const endpointFound = Promise.withResolvers<URL>()
  let endpoint: URL | null = null
  let ended = false

  function end(error: GatewayError | null): void {
    if (ended) return
    ended = true
    outbox.close()
    life.abort()
    for (const abort of calls.drain()) abort.abort()
    if (endpoint === null) endpointFound.reject(error ?? new GatewayError('upstream.lost'))
    else events.onClose(error)
  }

  async function receive(data: Uint8Array, type: string): Promise<void> {
    if (type === 'endpoint') return takeEndpoint(decoder.decode(data))
    if (type !== 'message') return
    try {
      const message = await messageOf(data)
      if (!ended) events.onMessage(message, null)
    } catch (error) {
      log(`an event that is no message: ${toGatewayError(error).message}`)
    }
  }

  function takeEndpoint(text: string): void {
    if (endpoint !== null) return log('a second endpoint event was ignored')
    const found = URL.canParse(text, url.href) ? new URL(text, url.href) : null
    if (found?.origin !== url.origin || found.username !== '' || found.password !== '') {
      return end(new GatewayError('upstream.garbage', 'its endpoint lies on another server'))
    }
    found.hash = ''
    endpoint = found
    endpointFound.resolve(found)
  }

  async function stream(): Promise<void> {
    const attempt = (token: Secret | null) =>
      safeFetch(url, {
        ...common,
        within: within(token),
        headers: { ...headersWith(token), accept: 'text/event-stream' },
        signal: life.signal,
        idleTimeout: 0,
      })
    const response = await new AuthorizedRequest(authorization, url, attempt).response()
    if (!response.ok) await readRefusal(response, null, false, runtime.now())
    if (mediaTypeOf(response) !== 'text/event-stream') {
      await discard(response)
      throw new GatewayError('upstream.garbage', 'no event stream at this address')
    }
    await readEvents(response, limits.maxMessageBytes, { onEvent: receive })
    throw new GatewayError('upstream.lost', 'it ended the stream')
  }

  async function deliver(message: Uint8Array, callId: number | null): Promise<void> {
    const abort = new AbortController()
    if (callId !== null) calls.set(callId, abort)
    const signal = callId === null ? life.signal : abort.signal
    try {
      let response: Response
      try {
        const to = await endpointFound.promise
        const attempt = (token: Secret | null) =>
          safeFetch(to, {
            ...common,
            within: within(token),
            method: 'POST',
            headers: { ...headersWith(token), 'content-type': 'application/json' },
            body: message,
            signal,
            idleTimeout: callId === null ? ACKNOWLEDGE_TIMEOUT : 0,
          })
        const waits = callId === null ? null : (waiting: boolean) => events.onWait?.(callId, waiting)
        response = await new AuthorizedRequest(authorization, url, attempt, waits).response()
      } catch (error) {
        throw signal.aborted ? new GatewayError('rpc.cancelled') : sendFailure(error)
      }
      if (response.ok) await discard(response)
      else await refused(response, callId)
    } finally {
      if (callId !== null) calls.take(callId)
    }
  }

  async function refused(response: Response, callId: number | null): Promise<void> {
    try {
      const answer = await readRefusal(response, callId, true, runtime.now())
      if (callId !== null && !ended) events.onMessage(answer, callId)
    } catch (error) {
      const lost = error instanceof UndeliveredError && error.code === 'upstream.lost'
      if (lost)
        void runtime
          .sleep(0)
          .then(() => end(new GatewayError('upstream.lost', error.detail, { cause: error })))
      throw error
    }
  }

  const reading = stream().catch((error) => end(ended ? null : streamFailure(error)))
  const over = new AbortController()
  const late = runtime.sleep(limits.connectTimeout, over.signal).then(
    () => end(new GatewayError('upstream.timeout', 'it named no endpoint in time (timeouts.connect)')),
    () => undefined,
  )
  try {
    await endpointFound.promise
  } finally {
    over.abort()
    await late
  }

  return {
    streamsPerCall: false,
    send: (message, callId) => outbox.send(message, callId !== null, () => deliver(message, callId)),
    abandon(callId) {
      calls.take(callId)?.abort()
    },
    negotiated(protocolVersion) {
      headers['mcp-protocol-version'] = protocolVersion
      outbox.expectInitialized(() => undefined)
    },
    async close() {
      end(null)
      await reading
    },
  }
}

function streamFailure(error: unknown): GatewayError {
  if (error instanceof GatewayError) return sendFailure(error)
  return new GatewayError('upstream.lost', 'its stream broke', { cause: error })
}
