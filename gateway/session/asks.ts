import { GatewayError, toGatewayError } from '../errors'
import type { Envelope } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { notificationMessage, requestMessage } from '../wire/messages'
import { splice } from '../wire/splice'
import { decodeUtf8, encodeUtf8 } from '../wire/text'
import type { EventStream } from './event-stream'

/** What a client is asked; `params` is raw JSON. */
export interface Question {
  method: string
  params: Uint8Array
  signal?: AbortSignal
  /** As in `Exchange.ask`. */
  onProgress?: (message: Uint8Array) => void
}

interface Ask {
  owner: object
  resolve: (answer: Uint8Array) => void
  reject: (error: GatewayError) => void
  /** Takes what the client says of how far it is, and where its token stands in that. */
  progress: ((message: Envelope, token: { start: number; end: number }) => void) | null
}

/** The questions to the client of one session that wait for its answers. */
export class Asks {
  readonly #open = new Map<number, Ask>()
  #lastId: number
  #ended: GatewayError | null = null

  /** Ids are counted from `before` on. */
  constructor(before: number) {
    this.#lastId = before
  }

  /**
   * Sends a request to the client on `stream`; resolves with its raw answer message. Rejects when the owner ends, and
   * when the question is taken back.
   */
  ask(owner: object, stream: EventStream, question: Question): Promise<Uint8Array> {
    if (this.#ended) return Promise.reject(this.#ended)
    this.#lastId += 1
    const id = this.#lastId
    const { method, signal } = question
    const { params, progress } = withToken(question, id)
    return new Promise((resolve, reject) => {
      this.#open.set(id, { owner, resolve, reject, progress })
      signal?.addEventListener('abort', () => this.#takeBack(id, stream, toGatewayError(signal.reason)))
      stream.send(requestMessage(id, method, params))
    })
  }

  /** An answer the client posted. Answers to nothing are ignored: they may be late. */
  answer(idToken: string, message: Uint8Array): void {
    const id = Number(idToken)
    const ask = this.#open.get(id)
    if (!ask) return
    this.#open.delete(id)
    ask.resolve(message)
  }

  /** `notifications/progress` of the client. Of what is not open it says nothing. */
  progress(message: Envelope): void {
    const token = message.params && member(message.bytes, message.params, 'progressToken')
    if (token) this.#open.get(Number(decodeUtf8(rawOf(message.bytes, token))))?.progress?.(message, token)
  }

  /** Takes back what `owner` still asks; the client is told on `stream`. */
  drop(owner: object, stream: EventStream | null): void {
    if (this.#open.size === 0) return
    for (const [id, ask] of this.#open)
      if (ask.owner === owner) this.#takeBack(id, stream, new GatewayError('rpc.cancelled'))
  }

  /** Nothing is asked any more. */
  end(reason: GatewayError): void {
    this.#ended = reason
    for (const ask of this.#open.values()) ask.reject(reason)
    this.#open.clear()
  }

  #takeBack(id: number, stream: EventStream | null, reason: GatewayError): void {
    const ask = this.#open.get(id)
    if (!ask) return
    this.#open.delete(id)
    stream?.send(notificationMessage('notifications/cancelled', { requestId: id }))
    ask.reject(reason)
  }
}

/** Two servers may give their questions the same progress token, so that the client is given the question's own id. */
function withToken(
  { params, onProgress }: Question,
  id: number,
): { params: Uint8Array; progress: Ask['progress'] } {
  const meta = onProgress && member(params, { start: 0, end: params.length }, '_meta')
  const theirs = meta && member(params, meta, 'progressToken')
  if (!onProgress || !theirs) return { params, progress: null }
  const token = rawOf(params, theirs)
  return {
    params: splice(params, [{ ...theirs, with: encodeUtf8(String(id)) }]),
    progress: ({ bytes }, ours) => onProgress(splice(bytes, [{ ...ours, with: token }])),
  }
}
