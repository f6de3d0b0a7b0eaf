import { LiveList } from '../collections/live-list'
import type { LogLevel } from '../domain/exchange'
import { GatewayError, toJsonRpcError } from '../errors'
import type { FeatureView } from '../policy/feature-view'
import type { Runtime } from '../runtime'
import { errorMessage } from '../wire/messages'
import { readEventId, requestTag } from './event-ids'
import { EventStream } from './event-stream'
import { Asks } from './asks'
import { createMissed } from './missed'
import { createReplay, type Replay } from './replay'

const PRIMES_FROM = '2025-11-25'
const LISTEN = 0

/** A call in flight. */
export interface SessionCall {
  /** The raw id token of its request. */
  readonly token: string
  cancel(reason: GatewayError): void
  /** Answers as an event stream from here on. */
  openStream(): EventStream
}

/** Calls in flight of one client over all its sessions. */
export interface ClientLoad {
  inFlight: number
  sessions: Set<Session>
}

/** What a session is made of; `label` is the hash of its id and may be stored and passed on. */
export interface SessionFacts {
  id: string
  label: string
  clientId: string
  protocolVersion: string
  clientInfo: string
  clientCapabilities: string
  logLevel: LogLevel | null
  createdAt: number
}

/** One MCP session of the eras that have them, bound to its Client for life. */
export class Session {
  readonly listen: EventStream
  readonly calls = new LiveList<SessionCall>()
  /** The credential that was last used with it, and all that were while it is in memory. */
  credentialId: string
  readonly credentialIds = new Set<string>()
  logLevel: LogLevel | null
  /** Epoch milliseconds. */
  lastSeen: number
  /** Epoch milliseconds at which the credential of the listening stream stops counting. */
  listenUntil: number | null = null
  /** What its client was last told about. */
  told: FeatureView | null = null
  readonly replay: Replay
  /**
   * Ids begin elsewhere in each life of the session: what a client answers to a question of an earlier one must not
   * answer another. Within 31 bits, which every client can read.
   */
  readonly asks: Asks
  readonly #streams = new Map<number, EventStream>()
  readonly #missed = createMissed()
  #lastStream = LISTEN

  constructor(
    readonly facts: SessionFacts,
    readonly load: ClientLoad,
    /** Eight hex digits, others in each life of the session in memory. */
    private readonly epoch: string,
    clock: Pick<Runtime, 'now' | 'monotonic'>,
    credentialId: string,
  ) {
    this.credentialId = credentialId
    this.credentialIds.add(credentialId)
    this.logLevel = facts.logLevel
    this.lastSeen = clock.now()
    this.replay = createReplay(clock.monotonic)
    this.asks = new Asks(Number.parseInt(epoch.slice(0, 7), 16))
    this.listen = new EventStream(LISTEN, epoch, this.replay, this.#primes)
  }

  get #primes(): boolean {
    return this.facts.protocolVersion >= PRIMES_FROM
  }

  /** Nothing open: no stream, no call. */
  get quiet(): boolean {
    return !this.listen.live && this.calls.size === 0
  }

  /** A new stream for the call with this raw id token. */
  openStream(idToken: string): EventStream {
    for (const [number, stream] of this.#streams) {
      if (stream.finished && !this.replay.knows(number)) this.#streams.delete(number)
    }
    this.#lastStream += 1
    const stream = new EventStream(
      this.#lastStream,
      this.epoch,
      this.replay,
      this.#primes,
      requestTag(idToken),
    )
    this.#streams.set(stream.number, stream)
    return stream
  }

  /** Ends what carries its streams to whoever opened it with this credential; they may be resumed with another. */
  dropStreams(credentialId: string): void {
    for (const stream of [this.listen, ...this.#streams.values()]) stream.drop(credentialId)
  }

  /**
   * The stream and place an event id names. The place is null for what was listened to before a restart of the
   * gateway. For a call whose events are not known any more it is a stream that says so in place of the answer.
   * Throws `session.stream_unknown` when not even the call is known.
   */
  findStream(lastEventId: string): { stream: EventStream; after: number | null } {
    const place = readEventId(lastEventId)
    if (!place) throw new GatewayError('session.stream_unknown')
    const { stream: number, sequence: after, request } = place
    const ours = place.epoch === this.epoch
    if (number === LISTEN) return { stream: this.listen, after: ours ? after : null }
    const stream = ours ? this.#streams.get(number) : undefined
    if (stream?.resumes(after)) return { stream, after }
    const lost = new GatewayError(
      'session.stream_unknown',
      'the answer to this call is lost, if there was one',
    )
    if (!request) throw lost
    const last = this.openStream(Buffer.from(request).toString('latin1'))
    last.send(errorMessage(request, toJsonRpcError(lost)))
    last.finish()
    return { stream: last, after: 0 }
  }

  /**
   * Tells the client something outside any call. While it does not listen, what has a `key` goes out on the stream
   * of its newest call, for clients that never listen; without a call it waits, the newest of each key. The rest is
   * dropped.
   */
  tell(message: Uint8Array, key: string | null): void {
    if (this.listen.live) {
      this.listen.send(message)
      return
    }
    if (key === null) return
    const call = this.calls.newest()
    if (call && call.openStream().send(message)) return
    this.#missed.keep(key, message)
  }

  /** Something waits for the client, and it does not listen. */
  get owing(): boolean {
    return this.#missed.size > 0 && !this.listen.live
  }

  /** Sends what waited for a stream. */
  catchUp(stream: EventStream): void {
    for (const message of this.#missed.take()) stream.send(message)
  }

  /** Stops all calls and streams. */
  end(): void {
    const reason = new GatewayError('session.unknown', 'the session ended')
    for (const call of this.calls.toArray()) call.cancel(reason)
    this.asks.end(reason)
    this.listen.finish()
    for (const stream of this.#streams.values()) stream.finish()
    this.#streams.clear()
  }
}
