// The envelope every request of MCP 2026-07-28 carries in `params._meta`, put in and taken out of messages as bytes.
import type { Exchange } from '../domain/exchange'
import { version } from '../version'
import type { Edit, Envelope, Span } from '../wire/envelope'
import { changeMembers } from '../wire/change-members'
import { member } from '../wire/members'
import { concat } from '../wire/splice'
import { encodeUtf8 } from '../wire/text'

/** The one revision without `initialize` that is spoken. */
export const MODERN_VERSION = '2026-07-28'

const PREFIX = 'io.modelcontextprotocol/'
const versionKey = `${PREFIX}protocolVersion`
const capabilitiesKey = `${PREFIX}clientCapabilities`
const infoKey = `${PREFIX}clientInfo`
const levelKey = `${PREFIX}logLevel`

/** Names the listening request a notification belongs to, in its `_meta`. */
export const subscriptionKey = `${PREFIX}subscriptionId`
/** Names the server in the `_meta` of its results. */
export const serverInfoKey = `${PREFIX}serverInfo`

const envelopeKeys = [versionKey, capabilitiesKey, infoKey, levelKey] as const
/** What answers a server's earlier question, beside the parameters of a request. */
const roundKeys = ['inputResponses', 'requestState'] as const

const clientInfo = { name: 'mcpmux', title: 'McpMux', version }
const head = encodeUtf8(
  `"${versionKey}":"${MODERN_VERSION}","${infoKey}":${JSON.stringify(clientInfo)},"${capabilitiesKey}":`,
)
const brace = 0x7b

/** The `_meta` of the gateway's own requests, which offer a server nothing. */
export const ownMeta: Readonly<Record<string, unknown>> = {
  [versionKey]: MODERN_VERSION,
  [infoKey]: clientInfo,
  [capabilitiesKey]: {},
}

/**
 * Edits that give the message of a client of the older era an envelope with what that client declared, and the answers of
 * a round where there are some (`"key":value` pairs). What it wrote there itself under those names goes.
 */
export function withEnvelope(
  message: Envelope,
  { clientCapabilities, logLevel }: Pick<Exchange, 'clientCapabilities' | 'logLevel'>,
  round: Uint8Array | null,
): Edit[] {
  const level = logLevel === null ? '' : `,"${levelKey}":"${logLevel}"`
  const envelope = concat([head, encodeUtf8(clientCapabilities), encodeUtf8(level)])
  const { bytes, params } = message
  if (!params) {
    const inside = concat([encodeUtf8('"_meta":{'), envelope, encodeUtf8('}'), ...behindComma(round)])
    return [insertAfterOpening(message, concat([encodeUtf8('"params":{'), inside, encodeUtf8('},')]))]
  }
  const meta = member(bytes, params, '_meta')
  if (meta && bytes[meta.start] === brace) {
    const outside = changeMembers(bytes, params, roundKeys, round ?? undefined)
    return [...outside, ...changeMembers(bytes, meta, envelopeKeys, envelope)]
  }
  // A `_meta` that is no object can carry nothing.
  const whole = concat([encodeUtf8('"_meta":{'), envelope, encodeUtf8('}'), ...behindComma(round)])
  return changeMembers(bytes, params, [...roundKeys, '_meta'], whole)
}

/** Edits that leave nothing of the newer era in a message but its parameters and the rest of its `_meta`. */
export function withoutEnvelope({ bytes, params }: Envelope): Edit[] {
  if (!params) return []
  const meta = member(bytes, params, '_meta')
  return [
    ...changeMembers(bytes, params, roundKeys),
    ...(meta ? changeMembers(bytes, meta, envelopeKeys) : []),
  ]
}

/** The subscription a notification is tagged with, and the edits that take the tag out. */
export function subscriptionOf({ bytes, params }: Envelope): { tag: Span; edits: Edit[] } | null {
  const meta = params && member(bytes, params, '_meta')
  const tag = meta && member(bytes, meta, subscriptionKey)
  return meta && tag && { tag, edits: changeMembers(bytes, meta, [subscriptionKey]) }
}

const behindComma = (pairs: Uint8Array | null): Uint8Array[] => (pairs ? [encodeUtf8(','), pairs] : [])

/** A message has members, so what is put in front of them ends with a comma. */
function insertAfterOpening({ bytes }: Envelope, pairs: Uint8Array): Edit {
  const at = bytes.indexOf(brace) + 1
  return { start: at, end: at, with: pairs }
}
