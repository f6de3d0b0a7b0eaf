import type { Exchange, LogLevel } from '../domain/exchange'
import type { Handshake } from '../domain/feature'
import type { ReadSetting } from '../domain/settings'
import { GatewayError, toGatewayError } from '../errors'
import type { UpstreamRequest } from '../router/ports'
import type { Runtime } from '../runtime'
import { WireError, type Edit, type Envelope } from '../wire/envelope'
import { notificationMessage, requestMessage } from '../wire/messages'
import { splice } from '../wire/splice'
import { encodeUtf8 } from '../wire/text'
import { readAnswer } from './answers'
import { UndeliveredError, type Channel, type ChannelEvents } from '../transport/channel'
import { initializeServer } from './handshake'
import { createInbound, type InboundEvents } from './inbound'
import { createPendingCalls, lateError, type PendingCall } from './pending-calls'
import { untilAborted } from './until-aborted'

/** One initialised connection to one server: ids, time-outs, progress, cancellation. */
export interface Connection {
  readonly handshake: Handshake
  /** Why the leg is gone, `error` being null when `close` was called; null while it is open. */
  readonly ended: { error: GatewayError | null } | null
  /** Sends a client's request and resolves with the server's answer, whose id is still the connection's own. */
  request(request: UpstreamRequest, exchange: Exchange): Promise<Envelope>
  /** A request of the gateway's own; resolves with the raw result, rejects on a JSON-RPC error. */
  ask(method: string, params: object, timeout: number, signal?: AbortSignal): Promise<Uint8Array>
  setLogLevel(level: LogLevel): Promise<void>
  hasCapability(name: string): boolean
  /** Fails calls that are over their time; the pool calls it every second. */
  sweep(now: number): void
  /** Calls still open fail with `upstream.lost` and this reason. */
  close(reason: string): Promise<void>
}

export interface ConnectionOptions {
  open(events: ChannelEvents): Promise<Channel>
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep'>
  inbound: InboundEvents
  /** A call gives its place to others while its client is asked something (-1), and takes it again (1). */
  onPlace(by: 1 | -1): void
  log: ChannelEvents['onLog']
  /** Takes secrets out of a server's words before they become part of an error. */
  redact(text: string): string
  /** The leg is gone; `null` when `close` was called. Every pending call has failed by then. */
  onClose(error: GatewayError | null): void
  /** Gives the opening up; its reason is a GatewayError. */
  signal: AbortSignal
}

/** Longest wait for a server to come to rest behind its handshake. */
const SETTLE_MS = 1000
/** How long the reason of a broken leg is waited for. */
const REASON_MS = 1000

/**
 * Opens a leg and performs the handshake (MCP 2025-11-25, lifecycle) within `timeouts.initialize`. Rejects with a
 * GatewayError, leg closed.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { runtime, settings, signal } = options
  const pending = createPendingCalls()
  let closed: { error: GatewayError | null } | null = null
  let closeReason = 'the connection was closed'
  let announced = false
  let settled = false
  const gone = Promise.withResolvers<void>()

  const inbound = createInbound({
    pending,
    events: options.inbound,
    log: options.log,
    runtime,
    settings,
    settled: () => settled,
    onPlace: options.onPlace,
    send: (message) => send(message, null),
  })

  const opening = options.open({
    onMessage: inbound.receive,
    onCallFailed: (callId, error) => pending.take(callId)?.reject(error),
    onLog: options.log,
    onClose(error) {
      closed = { error }
      gone.resolve()
      inbound.close()
      pending.failAll(error ?? new GatewayError('upstream.lost', closeReason))
      if (announced) options.onClose(error)
    },
  })
  const givenUp = () => toGatewayError(signal.reason)
  const channel = await untilAborted(opening, signal, givenUp).catch((error: unknown) => {
    opening.then(
      (late) => late.close(),
      () => undefined,
    )
    throw error
  })

  function send(message: Uint8Array, callId: number | null): void {
    const fail = (thrown: unknown) => {
      const error =
        thrown instanceof GatewayError
          ? thrown
          : new GatewayError('upstream.lost', undefined, { cause: thrown })
      if (callId === null) options.log('Transport', `a message could not be sent: ${error.message}`)
      else pending.take(callId)?.reject(error)
    }
    try {
      const sent = channel.send(message, callId)
      if (sent) sent.catch(fail)
    } catch (thrown) {
      fail(thrown)
    }
  }

  /** Tells the server that nobody waits any more (MCP: cancellation). */
  function cancelUpstream(call: PendingCall, reason: string): void {
    send(notificationMessage('notifications/cancelled', { requestId: call.id, reason }), null)
    channel.abandon(call.id)
  }

  function start(
    call: Omit<PendingCall, 'resolve' | 'reject' | 'startedAt' | 'activeAt' | 'progress'>,
    message: Uint8Array,
  ): Promise<Envelope> {
    if (closed)
      return Promise.reject(
        new UndeliveredError('upstream.unavailable', 'it went away before the call was sent'),
      )
    const now = runtime.monotonic()
    return new Promise<Envelope>((resolve, reject) => {
      pending.add({ ...call, startedAt: now, activeAt: now, progress: null, resolve, reject })
      send(message, call.id)
    })
  }

  /** The caller gave up: the call fails here at once and the server is told. */
  function cancel(id: number): void {
    const dropped = pending.take(id)
    if (!dropped) return
    cancelUpstream(dropped, 'the caller cancelled')
    dropped.reject(new GatewayError('rpc.cancelled'))
  }

  const connection: Connection & { handshake: Handshake } = {
    handshake: {
      protocolVersion: '',
      capabilities: '{}',
      serverInfo: '{}',
      instructions: null,
      refreshedAt: 0,
    },
    get ended() {
      return closed
    },
    request(request, exchange) {
      if (exchange.cancelled) return Promise.reject(new GatewayError('rpc.cancelled'))
      const id = pending.nextId()
      exchange.onCancel(() => cancel(id))
      return start(
        {
          id,
          method: request.message.method ?? '',
          exchange,
          idleTimeout: settings('timeouts.call_idle'),
          totalTimeout: settings('timeouts.call_total'),
          asking: 0,
        },
        readdress(request, id),
      )
    },
    async ask(method, params, timeout, signal) {
      if (signal?.aborted) throw new GatewayError('rpc.cancelled')
      const id = pending.nextId()
      const onAbort = () => cancel(id)
      signal?.addEventListener('abort', onAbort)
      const answer = await start(
        { id, method, exchange: null, idleTimeout: timeout, totalTimeout: timeout, asking: 0 },
        requestMessage(id, method, params),
      ).finally(() => signal?.removeEventListener('abort', onAbort))
      return readAnswer(answer, method, options.redact)
    },
    async setLogLevel(level) {
      await connection.ask('logging/setLevel', { level }, settings('timeouts.list'))
    },
    hasCapability: (name) => name in (JSON.parse(connection.handshake.capabilities) as object),
    sweep(now) {
      for (const call of pending.expire(now)) {
        cancelUpstream(call, 'time-out')
        call.reject(lateError(call))
      }
    },
    close(reason) {
      closeReason = reason
      return channel.close()
    },
  }

  const over = new AbortController()
  try {
    const late = runtime.sleep(settings('timeouts.initialize'), over.signal).then(() => {
      throw new GatewayError('upstream.timeout', 'initialize had no answer (timeouts.initialize)')
    })
    late.catch(() => undefined)
    const hello = untilAborted(
      initializeServer(connection.ask, runtime.now(), options.redact),
      signal,
      givenUp,
    )
    const handshake = await Promise.race([hello, late])
    channel.negotiated(handshake.protocolVersion)
    send(notificationMessage('notifications/initialized'), null)
    // What a server asks before it answers this, it asks for itself and not for the call that made it start.
    const settle = () => {
      settled = true
    }
    connection.ask('ping', {}, SETTLE_MS).then(settle, settle)
    announced = true
    connection.handshake = handshake
    return connection
  } catch (thrown) {
    // A leg that broke knows a moment later why: the exit code and the last words of a process.
    if (thrown instanceof UndeliveredError) await Promise.race([gone.promise, runtime.sleep(REASON_MS)])
    const lost = connection.ended?.error
    await channel.close()
    if (lost) throw lost
    throw thrown instanceof WireError
      ? new GatewayError('upstream.garbage', 'its answer to initialize cannot be read', { cause: thrown })
      : thrown
  } finally {
    over.abort()
  }
}

/** The client's message with the connection's id and, where progress was asked for, its token in their places. */
function readdress({ message, edits, progressToken }: UpstreamRequest, id: number): Uint8Array {
  const number = encodeUtf8(String(id))
  const all: Edit[] = [...edits]
  if (message.id) all.push({ start: message.id.start, end: message.id.end, with: number })
  if (progressToken) all.push({ start: progressToken.start, end: progressToken.end, with: number })
  return splice(
    message.bytes,
    all.sort((a, b) => a.start - b.start),
  )
}
