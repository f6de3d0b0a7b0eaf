// The Streamable HTTP leg (MCP 2025-11-25 and 2026-07-28, transports): one POST for each message, its answer tied to its call.
import { IdTable } from '../collections/id-table'
import { LiveList, type Place } from '../collections/live-list'
import { GatewayError } from '../errors'
import { discard } from '../net/body'
import type { SafeFetch } from '../net/safe-fetch'
import type { Runtime } from '../runtime'
import type { Secret } from '../secrets/secret'
import { type Authorization, NotLetInError } from './authorization'
import {
  UndeliveredError,
  type Channel,
  type ChannelEvents,
  type ChannelLimits,
  type MessageHeaders,
} from './channel'
import { createAnswerReader } from './http-answers'
import { listen } from './http-listen'
import { ACKNOWLEDGE_TIMEOUT, createOutbox } from './http-outbox'
import { readRefusal, sendFailure } from './http-refusals'
import { createHttpSession } from './http-session'
import { createStrayLog } from './stray-log'

export interface StreamableHttpOptions {
  url: string
  headers: Readonly<Record<string, Secret | string>>
  limits: ChannelLimits
  events: ChannelEvents
  safeFetch: SafeFetch
  runtime: Pick<Runtime, 'sleep' | 'random' | 'monotonic' | 'now'>
  /** What gives its requests their tokens; null where there is no sign-in. */
  authorization: Authorization | null
  /** PEM of the only authority this server's certificate is checked against; the system's when absent. */
  ca?: string
}

/** Milliseconds a server has to hear that its session is over. */
const FAREWELL = 2000
/** Streams that stay open after their answer before the oldest is cut off. */
const LINGERING = 8

/** A call whose answer has not been read to its end. */
interface OpenCall {
  abort: AbortController
  /** Its answer has come. */
  lingers: Place<OpenCall> | null
}

/**
 * Opens the leg; nothing is sent before the first message. Throws `input.invalid` for a URL or header that cannot be
 * used. A lost session or server ends the leg with `onClose` after the call that noticed was rejected.
 */
export function openStreamableHttp(options: StreamableHttpOptions): Channel {
  const { limits, events, runtime } = options
  const session = createHttpSession({ ...options, connectTimeout: limits.connectTimeout })
  const log = createStrayLog(events.onLog)
  const outbox = createOutbox(limits.maxQueuedBytes, runtime)
  const life = new AbortController()
  const calls = new IdTable<OpenCall>()
  const others = new Set<AbortController>()
  const lingering = new LiveList<OpenCall>()
  let closing: Promise<void> | null = null
  let ended = false
  let initialized = false

  const answers = createAnswerReader({
    session,
    maxMessageBytes: limits.maxMessageBytes,
    runtime,
    log,
    onAnswered: answered,
    onMessage: (message, callId) => {
      if (!ended) events.onMessage(message, callId)
    },
  })

  function answered(callId: number): void {
    const call = calls.take(callId)
    if (!call) return
    call.lingers = lingering.add(call)
    const oldest = lingering.first
    if (lingering.size <= LINGERING || !oldest) return
    letGo(oldest)
    oldest.abort.abort()
  }

  function letGo({ lingers }: OpenCall): void {
    if (lingers) lingering.remove(lingers)
  }

  async function deliver(
    message: Uint8Array,
    callId: number | null,
    headers: MessageHeaders | undefined,
  ): Promise<void> {
    const abort = new AbortController()
    const call: OpenCall = { abort, lingers: null }
    if (callId === null) others.add(abort)
    else calls.set(callId, call)
    try {
      let response: Response
      try {
        const idle = callId === null ? ACKNOWLEDGE_TIMEOUT : 0
        const waits = callId === null ? undefined : (waiting: boolean) => events.onWait?.(callId, waiting)
        const request = session.post(message, abort.signal, idle, headers, waits)
        response = await request.send()
        if (!response.ok) response = await request.settle(response)
      } catch (error) {
        throw abort.signal.aborted ? new GatewayError('rpc.cancelled') : sendFailure(error)
      }
      if (!response.ok) {
        const answer = await readRefusal(response, callId, session.id !== null, runtime.now())
        if (callId !== null && calls.take(callId) && !ended) events.onMessage(answer, callId)
        return
      }
      if (!initialized && !headers) session.begin(response)
      if (callId === null) await discard(response)
      else void follow(response, callId, call, !headers)
    } catch (error) {
      if (callId !== null) calls.take(callId)
      if (error instanceof UndeliveredError && !(error instanceof NotLetInError)) endSoon(error)
      throw error
    } finally {
      others.delete(abort)
    }
  }

  async function follow(
    response: Response,
    callId: number,
    call: OpenCall,
    resumable: boolean,
  ): Promise<void> {
    try {
      await answers.read(response, callId, call.abort.signal, resumable)
    } catch (error) {
      if (calls.get(callId) !== call) return
      calls.take(callId)
      call.abort.abort()
      if (!ended) events.onCallFailed(callId, readFailure(error))
    } finally {
      letGo(call)
    }
  }

  /** Lets the rejection of the call that noticed arrive first. */
  function endSoon(error: GatewayError): void {
    session.forget()
    void runtime.sleep(0).then(() => end(new GatewayError('upstream.lost', error.detail, { cause: error })))
  }

  function end(error: GatewayError | null): void {
    if (ended) return
    ended = true
    outbox.close()
    life.abort()
    for (const { abort } of [...calls.drain(), ...lingering.drain()]) abort.abort()
    for (const abort of others) abort.abort()
    events.onClose(error)
  }

  async function farewell(): Promise<void> {
    if (session.id === null) return
    const over = new AbortController()
    const late = runtime.sleep(FAREWELL, over.signal).then(() => over.abort())
    late.catch(() => undefined)
    try {
      await discard(await session.delete(over.signal))
    } catch {
      // Best effort: a server that is gone needs no telling.
    } finally {
      over.abort()
    }
  }

  return {
    streamsPerCall: true,
    send: (message, callId, headers) =>
      outbox.send(message, callId !== null, () => deliver(message, callId, headers)),
    abandon(callId) {
      calls.take(callId)?.abort.abort()
    },
    negotiated(protocolVersion) {
      initialized = true
      session.setVersion(protocolVersion)
      outbox.expectInitialized(() => {
        void listen({
          session,
          runtime,
          maxMessageBytes: limits.maxMessageBytes,
          signal: life.signal,
          log,
          onMessage: (message) => {
            if (!ended) events.onMessage(message, null)
          },
          onLost(error) {
            session.forget()
            end(error)
          },
        })
      })
    },
    close() {
      closing ??= (async () => {
        const wasOpen = !ended
        end(null)
        if (wasOpen) await farewell()
      })()
      return closing
    },
  }
}

/** A failure while reading, in the words of a leg. */
function readFailure(error: unknown): GatewayError {
  if (!(error instanceof GatewayError)) {
    return new GatewayError('upstream.lost', 'the connection broke before the answer was whole', {
      cause: error,
    })
  }
  if (error.code === 'net.too_large') {
    return new GatewayError('upstream.too_large', 'the limit is limits.message_bytes', { cause: error })
  }
  return error.code === 'net.failed'
    ? new GatewayError('upstream.garbage', error.detail, { cause: error })
    : error
}
