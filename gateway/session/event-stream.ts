import { sseEvent } from '../wire/sse'
import { oneLine } from '../wire/splice'
import { eventId } from './event-ids'
import type { Replay } from './replay'

const encoder = new TextEncoder()
/** Milliseconds a client waits before it connects again. */
const RETRY = 1000

/** Where the bytes of a stream go: one open HTTP answer. */
export interface Outlet {
  /** Queues bytes; false when the outlet is closed, or closes now because its reader is too slow. */
  write(bytes: Uint8Array): boolean
  end(): void
}

/**
 * One logical stream of a session, which outlives the HTTP answers that carry it: an outlet may go and another one
 * come. Every event has an id and is kept for a while for a client that comes back (MCP 2025-11-25, transports).
 */
export class EventStream {
  #outlet: Outlet | null = null
  #credentialId = ''
  #sequence = 0
  #finished = false

  constructor(
    readonly number: number,
    private readonly epoch: string,
    private readonly replay: Replay,
    /** Revisions before 2025-11-25 take an event without data for a broken message. */
    private readonly primes: boolean,
    /** Says in event ids which request this answers. */
    private readonly tag = '',
  ) {}

  get live(): boolean {
    return this.#outlet !== null
  }

  get finished(): boolean {
    return this.#finished
  }

  /**
   * Carries on over `outlet`, opened with that credential; the newest outlet wins. With `after`, events from there on are sent
   * again first.
   */
  attach(outlet: Outlet, credentialId: string, after: number | null): void {
    this.#outlet?.end()
    this.#outlet = outlet
    this.#credentialId = credentialId
    const from = after ?? this.#sequence
    const prime = this.primes
      ? `id: ${eventId(this.epoch, this.number, from, this.tag)}\nretry: ${RETRY}\ndata: \n\n`
      : `retry: ${RETRY}\n\n`
    const missed = after === null ? [] : this.replay.after(this.number, after)
    // One chunk, so that a full replay does not fill the outlet's queue.
    outlet.write(Buffer.concat([encoder.encode(prime), ...missed]))
    if (this.#finished) this.#end()
  }

  /** The outlet's connection is gone; what comes now waits in the replay. */
  detach(outlet: Outlet): void {
    if (this.#outlet === outlet) this.#outlet = null
  }

  /** Sends one JSON-RPC message; false when nobody is connected (it is kept for replay all the same). */
  send(message: Uint8Array): boolean {
    this.#sequence += 1
    const event = this.#event(message)
    this.replay.keep(this.number, this.#sequence, event)
    return this.#write(event)
  }

  /**
   * Sends the message nothing follows. When it is too large to be kept, `instead` is kept in its place, so that a
   * client that comes back does not wait for ever.
   */
  answer(message: Uint8Array, instead: () => Uint8Array): void {
    this.#sequence += 1
    const event = this.#event(message)
    if (!this.replay.keep(this.number, this.#sequence, event))
      this.replay.keep(this.number, this.#sequence, this.#event(instead()))
    this.#write(event)
    this.finish()
  }

  /** Nothing follows: the outlet ends when all is written. */
  finish(): void {
    this.#finished = true
    this.#end()
  }

  /** Whether a client that has seen `sequence` can be given the rest. The newest events are kept longest. */
  resumes(sequence: number): boolean {
    return !this.#finished || sequence >= this.#sequence || this.replay.knows(this.number)
  }

  #event(message: Uint8Array): Uint8Array {
    const id = eventId(this.epoch, this.number, this.#sequence, this.tag)
    return sseEvent({ id, event: 'message', data: oneLine(message) })
  }

  /** Ends the outlet only; the stream may be resumed. With `credentialId`, only an outlet that was opened with it. */
  drop(credentialId?: string): void {
    if (credentialId === undefined || credentialId === this.#credentialId) this.#end()
  }

  #write(event: Uint8Array): boolean {
    if (!this.#outlet) return false
    if (this.#outlet.write(event)) return true
    this.#outlet = null
    return false
  }

  #end(): void {
    this.#outlet?.end()
    this.#outlet = null
  }
}
