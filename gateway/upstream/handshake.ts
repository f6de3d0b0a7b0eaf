import type { Handshake } from '../domain/feature'
import { GatewayError } from '../errors'
import { version } from '../version'
import { member, rawOf } from '../wire/members'
import { textOf } from '../wire/text'
import { everyAbility } from './client-abilities'
import type { Connection } from './connection'

/** Revisions with an initialize handshake, newest first. */
const handshakeVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'] as const

const decoder = new TextDecoder()

/** Asks a server to initialize and reads what it says of itself, byte for byte where it is passed on later. The caller bounds the time. */
export async function initializeServer(
  ask: Connection['ask'],
  now: number,
  redact: (text: string) => string,
): Promise<Handshake> {
  const result = await ask(
    'initialize',
    {
      protocolVersion: handshakeVersions[0],
      capabilities: everyAbility,
      clientInfo: { name: 'mcpmux', title: 'McpMux', version },
    },
    Number.POSITIVE_INFINITY,
  )
  const whole = { start: 0, end: result.length }
  const raw = (key: string, fallback: string): string => {
    const span = member(result, whole, key)
    return span && result[span.start] === 0x7b ? decoder.decode(rawOf(result, span)) : fallback
  }
  const text = (key: string): string | null => {
    const span = member(result, whole, key)
    return span ? textOf(result, span) : null
  }
  const protocolVersion = text('protocolVersion')
  if (!handshakeVersions.some((known) => known === protocolVersion)) {
    const offered = redact(JSON.stringify(protocolVersion?.slice(0, 8192) ?? null)).slice(0, 60)
    throw new GatewayError('upstream.garbage', `it answered initialize with protocol version ${offered}`)
  }
  return {
    protocolVersion: protocolVersion ?? '',
    capabilities: raw('capabilities', '{}'),
    serverInfo: raw('serverInfo', '{}'),
    instructions: text('instructions'),
    refreshedAt: now,
  }
}
