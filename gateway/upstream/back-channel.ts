import type { Exchange } from '../domain/exchange'
import type { ReadSetting } from '../domain/settings'
import { GatewayError, toGatewayError, toJsonRpcError } from '../errors'
import type { Runtime } from '../runtime'
import type { Envelope } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { errorMessage, resultMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { splice } from '../wire/splice'
import { encodeUtf8, textOf } from '../wire/text'
import { refusalOf } from './client-abilities'
import { pauseCall, type PendingCall, type PendingCalls } from './pending-calls'

/** What a server asks of clients: `sampling/createMessage`, `elicitation/create`, `roots/list` (MCP 2025-11-25). */
export interface BackChannel {
  /** A request of the server; `callId` is the call on whose own stream it came, null where the leg cannot know. */
  receive(message: Envelope, callId: number | null): void
  /** The server takes one of its requests back (`notifications/cancelled`). */
  takeBack(message: Envelope): void
  /** The leg is gone: whoever is still asked need not answer. */
  close(): void
}

export interface BackChannelDeps {
  pending: PendingCalls
  settings: ReadSetting
  runtime: Pick<Runtime, 'monotonic' | 'sleep'>
  send(message: Uint8Array): void
  /** False while a server that was just initialized may still ask for itself, although a call is already on its way. */
  settled(): boolean
  /** A call gives its place to others while its client is asked (-1), and takes it again (1). */
  onPlace(by: 1 | -1): void
  /** A server asked something that cannot be passed on; bounded by the caller. */
  stray(what: string): void
  /** A client was sent to a web page; the server says later, outside any call, that it is done there. */
  expectCompletion(elicitationId: string, conversation: string): void
}

const asked = new Set(['sampling/createMessage', 'elicitation/create', 'roots/list'])
/**
 * Questions of one call, and bytes of those of all calls, that wait for answers; a hostile server must not fill the
 * memory. All of one call fit into the queue of its stream, should they come at once.
 */
const MOST_OPEN = 128
const MOST_OPEN_BYTES = 64 * 1024 * 1024
const noRoots = encodeUtf8('{"roots":[]}')
const emptyObject = encodeUtf8('{}')

const tooMuch = 'McpMux passes no more questions on before some of those that wait are answered'
const ambiguous =
  'McpMux cannot tell which of the calls in flight, or given up lately, this request belongs to, so nobody was asked; ' +
  'a server that asks during several calls at once needs its own process for each client (isolation)'

/**
 * A request reaches the client whose call caused it, on that call's stream, and nobody else. Where the leg does not say
 * which call that is, it is the sole call in flight, or the newest when all are of one session or client; anything else is
 * refused, never guessed. A call that was given up counts as in flight for as long as its server may go on with it.
 */
export function createBackChannel(deps: BackChannelDeps): BackChannel {
  const { pending, send, stray } = deps
  /** By the server's raw id token. */
  const open = new Map<string, AbortController>()
  let openBytes = 0

  const refuse = (id: Uint8Array, code: number, message: string): void => {
    stray(`a request was refused: ${message}`)
    send(errorMessage(id, { code, message }))
  }

  function callFor(callId: number | null): PendingCall | 'ambiguous' | null {
    if (!deps.settled()) return null
    if (callId !== null) {
      const call = pending.get(callId)
      return call?.exchange ? call : null
    }
    let found: PendingCall | null = null
    for (const call of pending.values()) {
      if (!call.exchange) continue
      if (found && !sameCaller(found.exchange, call.exchange)) return 'ambiguous'
      // A call whose client is asked already waits for that, as a rule.
      if (!found || call.asking === 0 || found.asking > 0) found = call
    }
    const conversation = found?.exchange?.conversation ?? null
    return found && pending.givenUp.mayBeOfOthers(conversation) ? 'ambiguous' : found
  }

  async function pass(message: Envelope, id: Uint8Array, method: string, call: PendingCall): Promise<void> {
    const { exchange } = call
    if (!exchange) return
    const token = Buffer.from(id).toString('latin1')
    const abort = new AbortController()
    open.set(token, abort)
    const late = deps.runtime.sleep(deps.settings('timeouts.answer'), abort.signal)
    late.then(
      () => abort.abort(new GatewayError('upstream.timeout', 'the client did not answer (timeouts.answer)')),
      () => undefined,
    )
    const resume = pauseCall(call, deps.runtime, deps.onPlace)
    openBytes += message.bytes.length
    try {
      const params = message.params ? rawOf(message.bytes, message.params) : emptyObject
      const answer = scanMessage(await exchange.ask(method, params, abort.signal, send))
      if (answer.id) send(splice(answer.bytes, [{ ...answer.id, with: id }]))
    } catch (thrown) {
      // A request that was taken back wants no answer.
      if (open.has(token)) send(errorMessage(id, toJsonRpcError(toGatewayError(thrown))))
    } finally {
      resume()
      openBytes -= message.bytes.length
      if (open.get(token) === abort) open.delete(token)
      abort.abort()
    }
  }

  function remember(message: Envelope, exchange: Exchange): void {
    const span = message.params && member(message.bytes, message.params, 'elicitationId')
    const elicitationId = span && textOf(message.bytes, span)
    if (elicitationId && exchange.conversation !== null)
      deps.expectCompletion(elicitationId, exchange.conversation)
  }

  return {
    receive(message, callId) {
      const id = message.id ? rawOf(message.bytes, message.id) : null
      const method = message.method ?? ''
      if (!id) return
      if (method === 'ping') return send(resultMessage(id, emptyObject))
      if (!asked.has(method)) return refuse(id, -32601, `method not found: ${method.slice(0, 80)}`)
      const call = callFor(callId)
      const roots = method === 'roots/list'
      if (call === 'ambiguous') return refuse(id, -32603, ambiguous)
      if (!call?.exchange)
        return roots
          ? send(resultMessage(id, noRoots))
          : refuse(id, -32601, `no client can be asked outside a call: ${method}`)
      const refusal = refusalOf(message, call.exchange.clientCapabilities)
      if (refusal !== null) return roots ? send(resultMessage(id, noRoots)) : refuse(id, -32601, refusal)
      const isLarge = openBytes > 0 && openBytes + message.bytes.length > MOST_OPEN_BYTES
      if (call.asking >= MOST_OPEN || isLarge) return refuse(id, -32603, tooMuch)
      if (method === 'elicitation/create') remember(message, call.exchange)
      void pass(message, id, method, call)
    },
    takeBack(message) {
      const span = message.params && member(message.bytes, message.params, 'requestId')
      if (!span) return
      const token = Buffer.from(rawOf(message.bytes, span)).toString('latin1')
      const abort = open.get(token)
      open.delete(token)
      abort?.abort(new GatewayError('rpc.cancelled'))
    },
    close() {
      const all = [...open.values()]
      open.clear()
      for (const abort of all) abort.abort(new GatewayError('rpc.cancelled'))
    },
  }
}

/** One session, or one client without any: what reaches the wrong call of it still reaches whom it is for. */
const sameCaller = (a: Exchange | null, b: Exchange): boolean =>
  a !== null && a.conversation !== null && a.conversation === b.conversation
