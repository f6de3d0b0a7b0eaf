// What an SDK would refuse to send: it is put into the message behind the SDK's back.
import { RAW_PLACE } from './conformance-tools'

/** A kind of content nobody knows yet, and members nobody knows. */
export const hologram = {
  type: 'hologram',
  beams: [1, 2.5, { phase: null }],
  _meta: { 'example.com/kept': true },
}

interface Transport {
  send(message: object, options?: object): Promise<void>
}

function withRaw(message: object): object {
  if (!('result' in message)) return message
  const result = message.result as { content?: { type: string; text?: string }[] }
  const at = Array.isArray(result.content) ? result.content.findIndex(({ text }) => text === RAW_PLACE) : -1
  if (at < 0) return message
  const content = result.content?.with(at, hologram as { type: string })
  return { ...message, result: { ...result, content, unknownMember: { kept: '✓' } } }
}

/** Has every transport of this server send raw content where a tool left a place for it. */
export function sendingRaw<S extends { connect(transport: never): Promise<void> }>(server: S): S {
  const connect = server.connect.bind(server) as (transport: Transport) => Promise<void>
  const patched = (transport: Transport) => {
    const send = transport.send.bind(transport)
    transport.send = (message, options) => send(withRaw(message), options)
    return connect(transport)
  }
  server.connect = patched as S['connect']
  return server
}
