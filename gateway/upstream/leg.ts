import { GatewayError, toGatewayError } from '../errors'
import { UndeliveredError, type MessageHeaders } from '../transport/channel'
import { type Envelope, WireError } from '../wire/envelope'
import { notificationMessage } from '../wire/messages'
import type { ConnectionOptions } from './connection'
import { createInbound } from './inbound'
import { createPendingCalls, lateError, pauseCall, type PendingCall } from './pending-calls'
import { untilAborted } from './until-aborted'

/** A request that is about to be sent. */
export type NewCall = Omit<
  PendingCall,
  'resolve' | 'reject' | 'startedAt' | 'activeAt' | 'progress' | 'asking' | 'pausedAt'
>

/** What an era wants done differently on a leg. */
export interface LegRules {
  /** Looks at each message first; null takes it, anything else goes on to calls and listeners. */
  sift?(message: Envelope, callId: number | null): Envelope | null
  /** Whether a cancelled call is told with a message, where the leg does not tell it by itself. */
  cancelsByMessage(streamsPerCall: boolean): boolean
}

/** One open leg and the requests under way on it, whatever their era. */
export interface Leg {
  readonly streamsPerCall: boolean
  /** Why it is gone, `error` being null when `close` was called; null while it is open. */
  readonly ended: { error: GatewayError | null } | null
  follow(rules: LegRules): void
  nextId(): number
  /** Sends a request and resolves with its answer. */
  start(call: NewCall, message: Uint8Array, headers?: MessageHeaders): Promise<Envelope>
  /** Sends what has no answer. */
  send(message: Uint8Array): void
  /** Nobody waits for this call any more: it fails here at once and the server is told. */
  cancel(id: number): void
  /** Fails a call the server will not answer. */
  fail(id: number, error: GatewayError): void
  /** See `Channel.negotiated`. */
  negotiated(protocolVersion: string): void
  /**
   * Runs what opens the connection, within `timeouts.initialize` and until the opening is given up. Closes the leg when
   * it fails, and rejects with the reason why a leg broke, where there is one.
   */
  greet<T>(work: () => Promise<T>): Promise<T>
  /** From now on a server's request belongs to a call in flight. */
  settle(): void
  /** From now on its end is told to `onClose`. */
  announce(): void
  sweep(now: number): void
  close(reason: string): Promise<void>
}

/** How long the reason of a broken leg is waited for. */
const REASON_MS = 1000

const noRules: LegRules = { cancelsByMessage: () => true }

/** Opens a leg. Rejects with a GatewayError. */
export async function openLeg(options: ConnectionOptions): Promise<Leg> {
  const { runtime, settings, signal } = options
  const pending = createPendingCalls()
  /** Ends the pause of each call that waits for a token. */
  const waits = new Map<number, () => void>()
  let rules = noRules
  let closed: Leg['ended'] = null
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

  function receive(message: Envelope, callId: number | null): void {
    let rest: Envelope | null
    try {
      rest = rules.sift ? rules.sift(message, callId) : message
    } catch {
      // A repeated key, for one: what it says cannot be told.
      return
    }
    if (rest) inbound.receive(rest, callId)
  }

  /** A call failed on its way. That its stream broke, or a proxy spoke, does not end it at the server. */
  function broke(callId: number, error: GatewayError): void {
    const goesOn = error.code === 'upstream.lost' || error.code === 'upstream.http_error'
    const isLeft = goesOn && !(error instanceof UndeliveredError)
    const call = isLeft ? pending.giveUp(callId, runtime.monotonic()) : pending.take(callId)
    call?.reject(error)
  }

  const opening = options.open({
    onMessage: receive,
    onCallFailed: broke,
    onWait(callId, waiting) {
      const call = pending.get(callId)
      if (waiting && call) waits.set(callId, pauseCall(call, runtime, options.onPlace))
      if (waiting) return
      waits.get(callId)?.()
      waits.delete(callId)
    },
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

  function send(message: Uint8Array, callId: number | null, headers?: MessageHeaders): void {
    const fail = (thrown: unknown) => {
      const error =
        thrown instanceof GatewayError
          ? thrown
          : new GatewayError('upstream.lost', undefined, { cause: thrown })
      if (callId === null) options.log('Transport', `a message could not be sent: ${error.message}`)
      else broke(callId, error)
    }
    try {
      const sent = channel.send(message, callId, headers)
      if (sent) sent.catch(fail)
    } catch (thrown) {
      fail(thrown)
    }
  }

  /** Tells the server that nobody waits any more (MCP: cancellation). */
  function cancelUpstream(call: PendingCall, reason: string): void {
    if (rules.cancelsByMessage(channel.streamsPerCall))
      send(notificationMessage('notifications/cancelled', { requestId: call.id, reason }), null)
    channel.abandon(call.id)
  }

  const leg: Leg = {
    streamsPerCall: channel.streamsPerCall,
    get ended() {
      return closed
    },
    follow(next) {
      rules = next
    },
    nextId: pending.nextId,
    start(call, message, headers) {
      if (closed)
        return Promise.reject(
          new UndeliveredError('upstream.unavailable', 'it went away before the call was sent'),
        )
      const now = runtime.monotonic()
      return new Promise<Envelope>((resolve, reject) => {
        pending.add({
          ...call,
          startedAt: now,
          activeAt: now,
          progress: null,
          asking: 0,
          pausedAt: 0,
          resolve,
          reject,
        })
        send(message, call.id, headers)
      })
    },
    send: (message) => send(message, null),
    cancel(id) {
      const dropped = pending.giveUp(id, runtime.monotonic())
      if (!dropped) return
      cancelUpstream(dropped, 'the caller cancelled')
      dropped.reject(new GatewayError('rpc.cancelled'))
    },
    fail(id, error) {
      pending.take(id)?.reject(error)
    },
    negotiated: (protocolVersion) => channel.negotiated(protocolVersion),
    async greet(work) {
      const over = new AbortController()
      try {
        const late = runtime.sleep(settings('timeouts.initialize'), over.signal).then(() => {
          throw new GatewayError('upstream.timeout', 'initialize had no answer (timeouts.initialize)')
        })
        late.catch(() => undefined)
        return await Promise.race([untilAborted(work(), signal, givenUp), late])
      } catch (thrown) {
        // A leg that broke knows a moment later why: the exit code and the last words of a process.
        if (thrown instanceof UndeliveredError) await Promise.race([gone.promise, runtime.sleep(REASON_MS)])
        const lost = leg.ended?.error
        await channel.close()
        if (lost) throw lost
        throw thrown instanceof WireError
          ? new GatewayError('upstream.garbage', 'its first answer cannot be read', { cause: thrown })
          : thrown
      } finally {
        over.abort()
      }
    },
    settle() {
      settled = true
    },
    announce() {
      announced = true
    },
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
  return leg
}
