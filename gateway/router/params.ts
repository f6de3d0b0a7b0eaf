import type { Exchange } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { Edit, Envelope, Span } from '../wire/envelope'
import { member } from '../wire/members'
import { textOf } from '../wire/text'

/** A string in a client's message: where it is and what it says. */
export interface Text {
  span: Span
  text: string
}

const encoder = new TextEncoder()
const QUOTE = 0x22

/** A string member of an object; throws `rpc.params` when it is missing or no string. */
export function textMember(message: Envelope, object: Span | null, key: string): Text {
  const span = object && member(message.bytes, object, key)
  const text = span && textOf(message.bytes, span)
  if (!span || text === null) throw new GatewayError('rpc.params', `"${key}" must be a string`)
  return { span, text }
}

/** Like `textMember`, null when the member is missing or null. */
export function optionalText(message: Envelope, object: Span | null, key: string): string | null {
  const span = object && member(message.bytes, object, key)
  if (!span || message.bytes[span.start] === 0x6e) return null
  const text = textOf(message.bytes, span)
  if (text === null) throw new GatewayError('rpc.params', `"${key}" must be a string`)
  return text
}

/** Where the client's progress token is, so that the connection can put its own there. */
export function progressTokenOf(message: Envelope, exchange: Exchange): Span | null {
  if (exchange.progressToken === null || !message.params) return null
  const meta = member(message.bytes, message.params, '_meta')
  return meta && member(message.bytes, meta, 'progressToken')
}

/** The edit that makes a string say something else; none when it says it already. */
export const replaceText = ({ span, text }: Text, by: string): readonly Edit[] =>
  text === by ? [] : [{ start: span.start, end: span.end, with: quote(by) }]

/** A JSON string token. */
export const quote = (text: string): Uint8Array => {
  // Most names need no escape, and then this is half of JSON.stringify's cost.
  if (!/^[\w./:-]*$/.test(text)) return encoder.encode(JSON.stringify(text))
  const out = new Uint8Array(text.length + 2)
  out[0] = QUOTE
  for (let i = 0; i < text.length; i++) out[i + 1] = text.charCodeAt(i)
  out[text.length + 1] = QUOTE
  return out
}
