import { type GatewayError, toJsonRpcError } from '../errors'
import type { Outlet } from '../session/event-stream'
import { member, rawOf } from '../wire/members'
import { errorMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { oneLine } from '../wire/splice'
import { sseEvent } from '../wire/sse'
import { decodeUtf8, spells } from '../wire/text'
import type { Departures } from './departures'
import type { Outlets } from './outlet'
import { failureReply, jsonReply, streamReply } from './replies'

/**
 * The HTTP answer to one request of the modern era: one JSON document when the response is the first thing to be sent,
 * else an event stream that cannot be resumed. Whoever closes it cancels the request.
 */
export class ModernLeg {
  readonly #reply = Promise.withResolvers<Response>()
  #outlet: Outlet | null = null
  #over = false
  readonly #unwatch: () => void

  constructor(
    private readonly outlets: Outlets,
    departures: Departures,
    request: Request,
    private readonly keepOpen: () => void,
    /** The client closed it before the answer. */
    private readonly onGone: () => void,
  ) {
    this.#unwatch = departures.watch(request, () => this.#gone())
  }

  /** Resolves when the answer can begin. */
  get response(): Promise<Response> {
    return this.#reply.promise
  }

  /** Answers with an event stream from here on. */
  openStream(): Outlet {
    if (this.#outlet) return this.#outlet
    const { outlet, body } = this.outlets.open(() => this.#gone())
    this.#outlet = outlet
    this.keepOpen()
    this.#reply.resolve(streamReply(body))
    return outlet
  }

  send(message: Uint8Array): void {
    if (!this.#over) this.openStream().write(asEvent(message))
  }

  /** The response message; nothing follows. */
  finish(message: Uint8Array): void {
    if (this.#over) return
    this.#over = true
    this.#unwatch()
    if (!this.#outlet) return this.#reply.resolve(jsonReply(message, statusOf(message)))
    this.#outlet.write(asEvent(message))
    this.#outlet.end()
  }

  fail(error: GatewayError, id: Uint8Array | null): void {
    if (this.#outlet) return this.finish(errorMessage(id, toJsonRpcError(error, 'modern')))
    if (this.#over) return
    this.#over = true
    this.#unwatch()
    this.#reply.resolve(failureReply(error, id, { era: 'modern' }))
  }

  #gone(): void {
    if (this.#over) return
    this.#over = true
    // Nobody reads it, but the server waits for one.
    this.#reply.resolve(new Response(null, { status: 499 }))
    this.onGone()
  }
}

const MINUS = 0x2d
const MANY = 32

const asEvent = (message: Uint8Array): Uint8Array => sseEvent({ event: 'message', data: oneLine(message) })

/** A missing capability is a bad request wherever it is found out (MCP 2026-07-28, general fields). */
function statusOf(message: Uint8Array): number {
  if (!mentionsMissing(message)) return 200
  const { bytes, error } = scanMessage(message)
  const code = error && member(bytes, error, 'code')
  return code && decodeUtf8(rawOf(bytes, code)) === '-32021' ? 400 : 200
}

/** Whether the number is anywhere in the text. Most answers have no minus sign at all, and few have many. */
function mentionsMissing(message: Uint8Array): boolean {
  let at = message.indexOf(MINUS)
  for (let seen = 0; at >= 0; seen++) {
    if (seen === MANY)
      return Buffer.from(message.buffer, message.byteOffset, message.byteLength).includes('-32021', at)
    if (spells(message, at - 1, at + 7, '-32021')) return true
    at = message.indexOf(MINUS, at + 1)
  }
  return false
}
