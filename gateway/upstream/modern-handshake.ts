import type { Handshake } from '../domain/feature'
import { GatewayError } from '../errors'
import { elements, member, rawOf } from '../wire/members'
import { decodeUtf8, textOf } from '../wire/text'
import { RefusedError } from './answers'
import type { Connection } from './connection'
import { MODERN_VERSION, serverInfoKey } from './modern-envelope'

const METHOD_NOT_FOUND = -32601
const UNSUPPORTED_VERSION = -32022
/** HeaderMismatch and MissingRequiredClientCapability: only a server of the newer era knows them. */
const modernRefusals: readonly number[] = [-32020, -32021]

/** What is assumed of a server that speaks the newer era and does not say what it has. */
const assumed: Omit<Handshake, 'refreshedAt'> = {
  protocolVersion: MODERN_VERSION,
  capabilities: '{"tools":{},"prompts":{},"resources":{},"completions":{}}',
  serverInfo: '{}',
  instructions: null,
}

/** The version was refused by a server that says it has it: machines of one address may differ. */
const isOfferOfOurs = (error: unknown): boolean => {
  if (!(error instanceof RefusedError) || error.rpcCode !== UNSUPPORTED_VERSION) return false
  const { supported } = Object(error.data) as { supported?: unknown }
  return Array.isArray(supported) && supported.includes(MODERN_VERSION)
}

/**
 * Asks a server what it is (MCP 2026-07-28, server/discover). Null when it answers that it speaks other revisions only.
 * Rejects with `RefusedError` for an answer of the older era; with `pinned`, a server that only lacks the method is
 * taken at the person's word.
 */
export async function discoverServer(
  ask: Connection['ask'],
  options: { now: number; signal: AbortSignal; pinned: boolean },
): Promise<Handshake | null> {
  const discover = () => ask('server/discover', {}, Number.POSITIVE_INFINITY, options.signal)
  let result: Uint8Array
  try {
    result = await discover().catch((error: unknown) => {
      if (isOfferOfOurs(error)) return discover()
      throw error
    })
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    const speaksIt = modernRefusals.includes(error.rpcCode)
    if (speaksIt || (options.pinned && error.rpcCode === METHOD_NOT_FOUND))
      return { ...assumed, refreshedAt: options.now }
    throw error
  }
  const whole = { start: 0, end: result.length }
  const versions = member(result, whole, 'supportedVersions')
  if (!versions || result[versions.start] !== 0x5b)
    throw new GatewayError('upstream.garbage', 'its answer to server/discover names no versions')
  if (!elements(result, versions).some((one) => textOf(result, one) === MODERN_VERSION)) return null
  const object = (within: typeof whole | null, key: string): string => {
    const span = within && member(result, within, key)
    return span && result[span.start] === 0x7b ? decodeUtf8(rawOf(result, span)) : '{}'
  }
  const instructions = member(result, whole, 'instructions')
  return {
    protocolVersion: MODERN_VERSION,
    capabilities: object(whole, 'capabilities'),
    serverInfo: object(member(result, whole, '_meta'), serverInfoKey),
    instructions: instructions && textOf(result, instructions),
    refreshedAt: options.now,
  }
}
