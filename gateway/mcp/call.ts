import type { Place } from '../collections/live-list'
import type { Identity } from '../domain/client'
import type { Exchange, LogLevel } from '../domain/exchange'
import { GatewayError, toGatewayError, toJsonRpcError } from '../errors'
import type { EventStream } from '../session/event-stream'
import type { Session, SessionCall } from '../session/session'
import type { Envelope, Span } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { errorMessage } from '../wire/messages'
import { fromWireError } from './body'
import type { CallHost, Silent } from './call-host'
import { failureReply, jsonReply, streamReply } from './replies'

/** A raw id token as a key: `1` and `"1"` are two. Empty for none. */
export const tokenAt = ({ bytes }: Envelope, span: Span | null): string =>
  span
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', span.start, span.end)
    : ''

/** The key of a message's own id. */
export const idToken = (message: Envelope): string => tokenAt(message, message.id)

/**
 * One call of a session: the Exchange that goes inward, and the HTTP answer that goes out. It is one JSON document
 * when the response is the first thing to be sent, else an event stream. Losing the connection does not cancel it:
 * in the eras with sessions the client may come back for the rest.
 */
export class Call implements Exchange, SessionCall, Silent {
  readonly identity: Identity
  readonly era = 'legacy'
  readonly conversation: string
  readonly clientCapabilities: string
  readonly logLevel: LogLevel | null
  readonly token: string
  readonly #reply = Promise.withResolvers<Response>()
  readonly #silence: Place<Silent>
  readonly #place: Place<SessionCall>
  #stream: EventStream | null = null
  #abort: AbortController | null = null
  #cancelled: GatewayError | null = null
  #cancelListener: (() => void) | null = null
  #done = false
  #asking = 0

  constructor(
    private readonly host: CallHost,
    private readonly session: Session,
    private readonly message: Envelope,
    /** Beat of the pulse at which it began. */
    readonly born: number,
    private readonly keepOpen: () => void,
  ) {
    this.identity = { clientId: session.facts.clientId, credentialId: session.credentialId }
    this.conversation = session.facts.label
    this.clientCapabilities = session.facts.clientCapabilities
    // A client that never set a level gets what the server sends by itself.
    this.logLevel = session.logLevel ?? 'debug'
    this.token = idToken(message)
    this.#place = session.calls.add(this)
    session.load.inFlight += 1
    host.inFlight += 1
    this.#silence = host.silent.add(this)
  }

  get progressToken(): Uint8Array | null {
    const { bytes, params } = this.message
    try {
      const meta = params && member(bytes, params, '_meta')
      const token = meta && member(bytes, meta, 'progressToken')
      return token && rawOf(bytes, token)
    } catch (thrown) {
      throw fromWireError(thrown)
    }
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

  notify(message: Uint8Array): void {
    if (!this.#done) this.openStream().send(message)
  }

  async ask(
    method: string,
    params: Uint8Array,
    signal?: AbortSignal,
    onProgress?: (message: Uint8Array) => void,
  ): Promise<Uint8Array> {
    if (this.#done) throw new GatewayError('rpc.cancelled')
    const question = { method, params, signal, onProgress }
    return this.hold(this.session.asks.ask(this, this.openStream(), question))
  }

  /** Whoever waits for a person takes no place from others. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.#asking += 1
    if (this.#asking === 1) this.#count(-1)
    try {
      return await work
    } finally {
      this.#asking -= 1
      if (this.#asking === 0 && !this.#done) this.#count(1)
    }
  }

  /** Resolves when the HTTP answer can begin. `work` gives the complete response message. */
  answer(work: Promise<Uint8Array>): Promise<Response> {
    work.then(
      (response) => this.#finish(response),
      (thrown: unknown) => this.#fail(thrown),
    )
    return this.#reply.promise
  }

  cancel(reason: GatewayError): void {
    if (this.#done) return
    this.#cancelled = reason
    this.#abort?.abort(reason)
    this.#cancelListener?.()
    this.#fail(reason)
  }

  /** Answers with an event stream from here on. */
  openStream(): EventStream {
    if (this.#stream) return this.#stream
    const stream = this.session.openStream(this.token)
    const { outlet, body } = this.host.outlets.open((gone) => stream.detach(gone))
    stream.attach(outlet, this.identity.credentialId, null)
    this.#stream = stream
    this.host.silent.remove(this.#silence)
    this.keepOpen()
    this.#reply.resolve(streamReply(body))
    if (this.session.owing) this.session.catchUp(stream)
    return stream
  }

  #finish(response: Uint8Array): void {
    if (!this.#leave()) return
    if (!this.#stream && !this.session.owing) {
      this.#reply.resolve(jsonReply(response))
      return
    }
    this.openStream().answer(response, () =>
      errorMessage(this.#id, toJsonRpcError(new GatewayError('session.answer_dropped'))),
    )
  }

  #fail(thrown: unknown): void {
    if (!this.#leave()) return
    const error = toGatewayError(fromWireError(thrown))
    if (error.code === 'internal') this.host.report(thrown)
    if (!this.#stream) {
      this.#reply.resolve(failureReply(error, this.#id))
      return
    }
    this.#stream.send(errorMessage(this.#id, toJsonRpcError(error)))
    this.#stream.finish()
  }

  get #id(): Uint8Array | null {
    return this.message.id && rawOf(this.message.bytes, this.message.id)
  }

  /** False when it has ended before. */
  #leave(): boolean {
    if (this.#done) return false
    this.#done = true
    if (this.#asking === 0) this.#count(-1)
    this.host.silent.remove(this.#silence)
    this.session.calls.remove(this.#place)
    this.session.asks.drop(this, this.#stream)
    return true
  }

  #count(by: 1 | -1): void {
    this.session.load.inFlight += by
    this.host.inFlight += by
  }
}
