import { GatewayError } from '../errors'
import { notificationMessage, requestMessage } from '../wire/messages'
import { readAnswer } from './answers'
import { hasMember, type Connection, type ConnectionOptions } from './connection'
import { initializeServer } from './handshake'
import type { Leg } from './leg'
import { withoutEnvelope } from './modern-envelope'
import { readdress } from './readdress'

/** Longest wait for a server to come to rest behind its handshake. */
const SETTLE_MS = 1000

/** Performs the handshake (MCP 2025-11-25, lifecycle) on an open leg. The caller bounds the time. */
export async function initializeOn(leg: Leg, options: ConnectionOptions): Promise<Connection> {
  const { settings, runtime, redact } = options
  leg.follow({ cancelsByMessage: () => true })

  const ask: Connection['ask'] = async (method, params, timeout, signal) => {
    if (signal?.aborted) throw new GatewayError('rpc.cancelled')
    const id = leg.nextId()
    const onAbort = () => leg.cancel(id)
    signal?.addEventListener('abort', onAbort)
    const call = { id, method, exchange: null, idleTimeout: timeout, totalTimeout: timeout }
    const answer = await leg
      .start(call, requestMessage(id, method, params))
      .finally(() => signal?.removeEventListener('abort', onAbort))
    return readAnswer(answer, method, redact)
  }

  const handshake = await initializeServer(ask, runtime.now(), redact)
  leg.negotiated(handshake.protocolVersion)
  leg.send(notificationMessage('notifications/initialized'))
  // What a server asks before it answers this, it asks for itself and not for the call that made it start.
  if (options.shared) ask('ping', {}, SETTLE_MS).then(leg.settle, leg.settle)
  else leg.settle()

  return {
    era: 'legacy',
    handshake,
    get ended() {
      return leg.ended
    },
    async request(request, exchange) {
      if (exchange.cancelled) throw new GatewayError('rpc.cancelled')
      // A server of both eras takes a message with an envelope for one of the newer era.
      const more = exchange.era === 'modern' ? withoutEnvelope(request.message) : []
      const id = leg.nextId()
      exchange.onCancel(() => leg.cancel(id))
      return leg.start(
        {
          id,
          method: request.message.method ?? '',
          exchange,
          idleTimeout: settings('timeouts.call_idle'),
          totalTimeout: settings('timeouts.call_total'),
        },
        readdress(request, id, more),
      )
    },
    ask,
    async setLogLevel(level) {
      await ask('logging/setLevel', { level }, settings('timeouts.list'))
    },
    hasCapability: (name) => hasMember(handshake.capabilities, name),
    refusal: () => null,
    catalogChanged: () => undefined,
    sweep: leg.sweep,
    close: leg.close,
  }
}
