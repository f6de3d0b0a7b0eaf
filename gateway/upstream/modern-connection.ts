import type { Exchange } from '../domain/exchange'
import type { Handshake } from '../domain/feature'
import { GatewayError } from '../errors'
import type { UpstreamRequest } from '../router/ports'
import { UndeliveredError } from '../transport/channel'
import type { Envelope } from '../wire/envelope'
import { requestMessage, resultMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { concat } from '../wire/splice'
import { encodeUtf8 } from '../wire/text'
import { readAnswer } from './answers'
import { hasMember, type Connection, type ConnectionOptions } from './connection'
import { holdListen, type HeldListen, type ListKind } from './held-listen'
import { answerInput, ClientRefusal, inputRequired, type InputRequired, MOST_ROUNDS } from './input-rounds'
import type { Leg } from './leg'
import { ownMeta, withEnvelope } from './modern-envelope'
import { discoverServer } from './modern-handshake'
import { editedText, headersOf, ownHeadersOf } from './modern-headers'
import { createParamHeaders, mirrorFault } from './param-headers'
import { readdress } from './readdress'

const listKinds: readonly ListKind[] = ['tools', 'prompts', 'resources']
const emptyResult = encodeUtf8('{}')

export interface DiscoverOptions {
  /** Milliseconds the answer to server/discover may take. */
  timeout: number
  /** A person said that the server speaks the newer era. */
  pinned: boolean
}

/**
 * Asks an open leg what is at its other end and gives a connection without a handshake (MCP 2026-07-28), or null when the
 * server answers that it speaks older revisions only. Rejects with what `discoverServer` rejects with; the leg stays
 * open then, and may be asked to initialize.
 */
export async function discoverOn(
  leg: Leg,
  options: ConnectionOptions,
  { timeout, pinned }: DiscoverOptions,
): Promise<Connection | null> {
  const { settings, runtime, redact } = options
  let listen: HeldListen | null = null
  leg.follow({
    // Only calls of the older era are cancelled by a message where each has a stream.
    cancelsByMessage: (streamsPerCall) => !streamsPerCall,
    sift(message, callId) {
      if (message.kind !== 'request') return listen ? listen.sift(message, callId) : message
      options.log('MCP', 'a request, which servers of this revision do not send, was dropped')
      return null
    },
  })

  const ask: Connection['ask'] = async (method, params, longest, signal) => {
    if (signal?.aborted) throw new GatewayError('rpc.cancelled')
    const id = leg.nextId()
    const onAbort = () => leg.cancel(id)
    signal?.addEventListener('abort', onAbort)
    const call = { id, method, exchange: null, idleTimeout: longest, totalTimeout: longest }
    const message = requestMessage(id, method, { ...params, _meta: ownMeta })
    const answer = await leg
      .start(call, message, leg.streamsPerCall ? ownHeadersOf(method) : undefined)
      .finally(() => signal?.removeEventListener('abort', onAbort))
    return readAnswer(answer, method, redact)
  }

  const handshake = await discovered()
  if (!handshake) return null
  const announced = JSON.parse(handshake.capabilities) as Record<string, { listChanged?: unknown } | null>
  const held = holdListen({
    leg,
    lists: listKinds.filter((kind) => announced[kind]?.listChanged === true),
    events: options.inbound,
    runtime,
    log: options.log,
    redact,
  })
  listen = held
  const params = createParamHeaders(options.tools)

  async function discovered(): Promise<Handshake | null> {
    const late = new AbortController()
    const over = new AbortController()
    const timer = runtime.sleep(timeout, over.signal).then(() => late.abort())
    timer.catch(() => undefined)
    try {
      return await discoverServer(ask, { now: runtime.now(), signal: late.signal, pinned })
    } catch (error) {
      throw late.signal.aborted
        ? new GatewayError('upstream.timeout', 'server/discover had no answer')
        : error
    } finally {
      over.abort()
    }
  }

  /** Sends a client's message once; `round` are the answers to what the server asked before. */
  function once(
    request: UpstreamRequest,
    exchange: Exchange,
    cancellable: (id: number) => void,
    round: Uint8Array | null,
  ): Promise<Envelope> {
    const { message } = request
    const more = exchange.era === 'legacy' ? withEnvelope(message, exchange, round) : []
    const id = leg.nextId()
    cancellable(id)
    return leg.start(
      {
        id,
        method: message.method ?? '',
        exchange,
        idleTimeout: settings('timeouts.call_idle'),
        totalTimeout: settings('timeouts.call_total'),
      },
      readdress(request, id, more),
      leg.streamsPerCall ? headersOf(request, params) : undefined,
    )
  }

  /** The call of a client of the older era, whom the server's questions reach as requests of its own era. */
  async function inRounds(request: UpstreamRequest, exchange: Exchange): Promise<Envelope> {
    let id = 0
    exchange.onCancel(() => leg.cancel(id))
    const cancellable = (next: number) => {
      id = next
    }
    let round: Uint8Array | null = null
    for (let rounds = 0; ; rounds++) {
      if (exchange.cancelled) throw new GatewayError('rpc.cancelled')
      const answer: Envelope = await once(request, exchange, cancellable, round).catch((error: unknown) => {
        // The client was asked already: nothing may start the whole call anew.
        if (round && error instanceof UndeliveredError) throw new GatewayError('upstream.lost', error.detail)
        throw error
      })
      const needed = inputRequired(request.message.method, answer)
      if (!needed) return answer
      if (rounds === MOST_ROUNDS)
        throw new GatewayError('upstream.garbage', `it asked the client more than ${MOST_ROUNDS} times`)
      try {
        round = await asked(needed, exchange)
      } catch (error) {
        if (error instanceof ClientRefusal) return refused(id, error.error)
        throw error
      }
    }
  }

  /** While a person thinks, nothing is open at the server, and the call takes no place. */
  async function asked(needed: InputRequired, exchange: Exchange): Promise<Uint8Array> {
    const abort = new AbortController()
    const late = runtime
      .sleep(settings('timeouts.answer'), abort.signal)
      .then(() =>
        abort.abort(new GatewayError('upstream.timeout', 'the client did not answer (timeouts.answer)')),
      )
    late.catch(() => undefined)
    options.onPlace(-1)
    try {
      return await answerInput(needed, exchange, abort.signal)
    } finally {
      options.onPlace(1)
      abort.abort(new GatewayError('rpc.cancelled'))
    }
  }

  /** There is no such request any more: the set of the listening request is what changes. */
  async function subscribed(request: UpstreamRequest, exchange: Exchange): Promise<Envelope> {
    const uri = editedText(request, 'uri') ?? ''
    await changeSet(request.message.method ?? '', uri, (give) => exchange.onCancel(give))
    return scanMessage(resultMessage(encodeUtf8(String(leg.nextId())), emptyResult))
  }

  async function changeSet(
    method: string,
    uri: string,
    onCancel: (give: (() => void) | null) => void,
  ): Promise<void> {
    if (method !== 'resources/subscribe') return held.unsubscribe(uri)
    const over = new AbortController()
    const cancelled = Promise.withResolvers<never>()
    onCancel(() => cancelled.reject(new GatewayError('rpc.cancelled')))
    const late = runtime.sleep(settings('timeouts.list'), over.signal).then(() => {
      throw new GatewayError('upstream.timeout', 'it did not agree to tell of changes (timeouts.list)')
    })
    late.catch(() => undefined)
    try {
      await Promise.race([held.subscribe(uri), late, cancelled.promise])
    } catch (error) {
      // Nobody waits for it any more.
      held.unsubscribe(uri)
      throw error
    } finally {
      over.abort()
    }
  }

  return {
    era: 'modern',
    handshake,
    get ended() {
      return leg.ended
    },
    async request(request, exchange) {
      if (exchange.cancelled) throw new GatewayError('rpc.cancelled')
      const { method } = request.message
      if (method === 'resources/subscribe' || method === 'resources/unsubscribe')
        return subscribed(request, exchange)
      if (exchange.era === 'legacy') return inRounds(request, exchange)
      return once(request, exchange, (id) => exchange.onCancel(() => leg.cancel(id)), null)
    },
    async ask(method, given, longest, signal) {
      const { uri } = given as { uri?: unknown }
      const changesSet = method === 'resources/subscribe' || method === 'resources/unsubscribe'
      if (!changesSet || typeof uri !== 'string') return ask(method, given, longest, signal)
      await changeSet(method, uri, () => undefined)
      return emptyResult
    },
    // Each call says for itself what it wants to hear.
    setLogLevel: () => Promise.resolve(),
    hasCapability: (name) => hasMember(handshake.capabilities, name),
    refusal: (feature) => (leg.streamsPerCall ? mirrorFault(feature) : null),
    catalogChanged: params.forget,
    sweep: leg.sweep,
    close(reason) {
      held.close()
      return leg.close(reason)
    },
  }
}

/** The answer of a call whose client refused to say what the server needs. */
const refused = (id: number, error: Uint8Array): Envelope =>
  scanMessage(concat([encodeUtf8(`{"jsonrpc":"2.0","id":${id},"error":`), error, encodeUtf8('}')]))
