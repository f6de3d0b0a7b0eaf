import type { Place } from '../collections/live-list'
import type { Identity } from '../domain/client'
import type { Exchange, LogLevel } from '../domain/exchange'
import { GatewayError, toGatewayError } from '../errors'
import type { ClientLoad } from '../session/session'
import type { Envelope } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { resultMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { splice } from '../wire/splice'
import { encodeUtf8 } from '../wire/text'
import { fromWireError } from './body'
import type { CallHost, SessionlessCall, Silent } from './call-host'
import type { ModernEnvelope } from './modern-envelope'
import type { ModernLeg } from './modern-leg'

interface Ask {
  method: string
  params: Uint8Array
  resolve: (answer: Uint8Array) => void
  reject: (error: GatewayError) => void
}

/** One round of a call: the request as it came, and where its answer goes. */
export interface Round {
  message: Envelope
  envelope: ModernEnvelope
  leg: ModernLeg
  /** Beat of the pulse at which it came. */
  born: number
}

export interface ModernCallDeps {
  host: CallHost
  load: ClientLoad
  identity: Identity
  /** A server asks its client: gives the `requestState` under which the call waits for the answers. */
  park(call: ModernCall): Promise<string>
  /** As long as it takes a server to ask everything it has to ask at once. */
  settle(): Promise<void>
  /** It will not be asked about again. */
  left(call: ModernCall): void
}

/**
 * One call of a client without a session, over all its rounds. A server of the older era asks while its call is open;
 * its client is told by an `input_required` result, and comes back with the answers in a new request (MCP 2026-07-28,
 * multi round-trip requests). In between the call waits here, under a `requestState`.
 */
export class ModernCall implements Exchange, SessionlessCall, Silent {
  readonly era = 'modern'
  readonly identity: Identity
  readonly conversation: string
  #silence: Place<Silent>
  readonly #place: Place<SessionlessCall>
  #round: Round
  /** Null while it waits for its client. */
  #leg: ModernLeg | null
  #rounds = 1
  #abort: AbortController | null = null
  #cancelled: GatewayError | null = null
  #cancelListener: (() => void) | null = null
  #result: { message: Uint8Array } | { error: GatewayError } | null = null
  #lastAsk = 0
  readonly #asks = new Map<string, Ask>()
  #asking = false
  #held = false

  constructor(
    private readonly deps: ModernCallDeps,
    round: Round,
  ) {
    this.identity = deps.identity
    this.conversation = `client:${deps.identity.clientId}`
    this.#round = round
    this.#leg = round.leg
    this.#count(1)
    this.#silence = deps.host.silent.add(this)
    this.#place = deps.host.modern.add(this)
  }

  get born(): number {
    return this.#round.born
  }

  get clientCapabilities(): string {
    return this.#round.envelope.clientCapabilities
  }

  get logLevel(): LogLevel | null {
    return this.#round.envelope.logLevel
  }

  get progressToken(): Uint8Array | null {
    const { bytes, params } = this.#round.message
    const meta = params && member(bytes, params, '_meta')
    const token = meta && member(bytes, meta, 'progressToken')
    return token && rawOf(bytes, token)
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#cancelled) this.#abort.abort(this.#cancelled)
    }
    return this.#abort.signal
  }

  get cancelled(): boolean {
    return this.#cancelled !== null
  }

  onCancel(listener: (() => void) | null): void {
    this.#cancelListener = listener
  }

  openStream(): void {
    this.deps.host.silent.remove(this.#silence)
    this.#leg?.openStream()
  }

  /** Between two rounds there is nobody to tell. */
  notify(message: Uint8Array): void {
    if (!this.#leg || this.#result) return
    this.deps.host.silent.remove(this.#silence)
    this.#leg.send(message)
  }

  ask(method: string, params: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#result || this.#cancelled) return Promise.reject(new GatewayError('rpc.cancelled'))
    this.#lastAsk += 1
    const key = String(this.#lastAsk)
    return new Promise((resolve, reject) => {
      this.#asks.set(key, { method, params, resolve, reject })
      signal?.addEventListener('abort', () => {
        if (this.#asks.delete(key)) reject(toGatewayError(signal.reason))
      })
      this.#askSoon()
    })
  }

  /** `work` gives the complete response message of the first round. */
  follow(work: Promise<Uint8Array>): void {
    work.then(
      (message) => this.#end({ message }),
      (thrown: unknown) => this.#end({ error: toGatewayError(fromWireError(thrown)), thrown }),
    )
  }

  /** Whoever waits for a person takes no place from others. Only before anything is asked of its client. */
  async hold(work: Promise<void>): Promise<void> {
    this.#held = true
    this.#count(-1)
    try {
      await work
    } finally {
      this.#held = false
      if (!this.#result) this.#count(1)
    }
  }

  /** The client is back. Answers it does not bring are asked for again; those to nothing are ignored. */
  resume(round: Round): void {
    this.#round = round
    this.#leg = round.leg
    this.#rounds += 1
    if (this.#result) return this.#deliver()
    this.#silence = this.deps.host.silent.add(this)
    this.#count(1)
    const { bytes, params } = round.message
    const responses = params && member(bytes, params, 'inputResponses')
    for (const [key, ask] of this.#asks) {
      const result = responses && member(bytes, responses, key)
      if (!result) continue
      this.#asks.delete(key)
      ask.resolve(resultMessage(encodeUtf8('0'), rawOf(bytes, result)))
    }
    if (this.#asks.size > 0) this.#askSoon()
  }

  cancel(reason: GatewayError): void {
    if (this.#result) return
    this.#cancelled = reason
    this.#abort?.abort(reason)
    this.#cancelListener?.()
    this.#end({ error: reason })
  }

  /** What a server asks in one go is one question to the client. */
  #askSoon(): void {
    if (this.#asking || !this.#leg) return
    this.#asking = true
    const turn = () => {
      this.#asking = false
      const leg = this.#leg
      if (!leg || this.#result || this.#asks.size === 0) return
      this.#leg = null
      this.#count(-1)
      this.deps.host.silent.remove(this.#silence)
      const id = this.#id
      this.deps.park(this).then(
        (state) => leg.finish(inputRequired(id, this.#asks, state)),
        (thrown: unknown) => {
          this.cancel(toGatewayError(thrown))
          leg.fail(toGatewayError(thrown), id)
        },
      )
    }
    this.deps.settle().then(turn, turn)
  }

  #end(result: { message: Uint8Array } | { error: GatewayError; thrown?: unknown }): void {
    if (this.#result) return
    if ('error' in result && result.error.code === 'internal') this.deps.host.report(result.thrown)
    this.#result = result
    for (const ask of this.#asks.values()) ask.reject(new GatewayError('rpc.cancelled'))
    this.#asks.clear()
    this.deps.host.silent.remove(this.#silence)
    this.deps.host.modern.remove(this.#place)
    if (!this.#leg) return
    if (!this.#held) this.#count(-1)
    this.#deliver()
  }

  #deliver(): void {
    const [leg, result, id] = [this.#leg, this.#result, this.#id]
    if (!leg || !result) return
    this.deps.left(this)
    if ('error' in result) leg.fail(result.error, id)
    else leg.finish(this.#rounds === 1 || !id ? result.message : withId(result.message, id))
  }

  get #id(): Uint8Array | null {
    const { bytes, id } = this.#round.message
    return id && rawOf(bytes, id)
  }

  #count(by: 1 | -1): void {
    this.deps.load.inFlight += by
    this.deps.host.inFlight += by
  }
}

/** The answer to the first round names the first request. */
function withId(message: Uint8Array, id: Uint8Array): Uint8Array {
  const { id: span } = scanMessage(message)
  return span ? splice(message, [{ ...span, with: id }]) : message
}

function inputRequired(id: Uint8Array | null, asks: ReadonlyMap<string, Ask>, state: string): Uint8Array {
  const text = new TextDecoder()
  const requests = [...asks].map(
    ([key, { method, params }]) =>
      `"${key}":{"method":${JSON.stringify(method)},"params":${text.decode(params)}}`,
  )
  const result = `{"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":${JSON.stringify(state)}}`
  return resultMessage(id ?? encodeUtf8('null'), encodeUtf8(result))
}
