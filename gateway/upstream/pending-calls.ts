import { IdTable } from '../collections/id-table'
import type { Exchange } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Envelope, Span } from '../wire/envelope'
import { createGivenUpCalls, type GivenUpCalls } from './given-up-calls'
import type { ProgressGate } from './progress-gate'

/** A step of progress, and where our token stands in it. */
export interface ProgressStep {
  message: Envelope
  span: Span
}

/** One request of ours a server has not answered yet. */
export interface PendingCall {
  id: number
  method: string
  /** The client's call it stands for; null for the gateway's own requests. */
  exchange: Exchange | null
  startedAt: number
  /** Last sign of life: sent, or progress. */
  activeAt: number
  /** Made with the first step of progress. */
  progress: ProgressGate<ProgressStep> | null
  idleTimeout: number
  totalTimeout: number
  /** How often its client is being asked something now, or a token fetched for it; no time-out runs meanwhile. */
  asking: number
  /** Since when it is asked, or a token fetched. */
  pausedAt: number
  resolve(answer: Envelope): void
  reject(error: GatewayError): void
}

/** The unanswered requests of one connection, by the connection's own ids. Times are monotonic milliseconds. */
export interface PendingCalls {
  nextId(): number
  add(call: PendingCall): void
  /** Removes and returns; null for an id nobody waits for. */
  take(id: number): PendingCall | null
  get(id: number): PendingCall | null
  /** Oldest first. */
  values(): Iterable<PendingCall>
  /** Like `take`, for a call its server may go on with. */
  giveUp(id: number, now: number): PendingCall | null
  /** Gives up and returns the calls that are over their time. */
  expire(now: number): PendingCall[]
  /** Those of clients. */
  readonly givenUp: GivenUpCalls
  failAll(error: GatewayError): void
}

export function createPendingCalls(): PendingCalls {
  const calls = new IdTable<PendingCall>()
  const givenUp = createGivenUpCalls()
  let lastId = 0

  function giveUp(id: number, now: number): PendingCall | null {
    const call = calls.take(id)
    if (!call?.exchange) return call
    const paused = call.asking > 0 ? now - call.pausedAt : 0
    givenUp.add({ id, conversation: call.exchange.conversation, startedAt: call.startedAt + paused }, now)
    return call
  }

  return {
    givenUp,
    giveUp,
    nextId: () => ++lastId,
    add: (call) => void calls.set(call.id, call),
    take: (id) => calls.take(id),
    get: (id) => calls.get(id),
    values: () => calls.toArray().sort((a, b) => a.id - b.id),
    expire(now) {
      const isLate = ({ asking, activeAt, startedAt, idleTimeout, totalTimeout }: PendingCall) =>
        asking === 0 && (now - activeAt >= idleTimeout || now - startedAt >= totalTimeout)
      const late = calls.toArray().filter(isLate)
      for (const { id } of late) giveUp(id, now)
      givenUp.sweep(now)
      return late
    },
    failAll(error) {
      for (const call of calls.drain()) call.reject(error)
    },
  }
}

/**
 * No time-out runs, and no place of a client's call is taken, until what this returns is called: a person thinks, or a
 * token is fetched.
 */
export function pauseCall(
  call: PendingCall,
  { monotonic }: Pick<Runtime, 'monotonic'>,
  onPlace: (by: 1 | -1) => void,
): () => void {
  call.asking += 1
  if (call.asking === 1) call.pausedAt = monotonic()
  if (call.asking === 1 && call.exchange) onPlace(-1)
  return () => {
    call.asking -= 1
    if (call.asking > 0) return
    if (call.exchange) onPlace(1)
    const now = monotonic()
    call.startedAt += now - call.pausedAt
    call.activeAt = now
  }
}

/** What a caller is told when a server took too long. */
export const lateError = (call: PendingCall): GatewayError =>
  new GatewayError(
    'upstream.timeout',
    `${call.method} had no answer; the time-outs are settings (timeouts.*)`,
  )
