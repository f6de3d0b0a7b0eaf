import { logLevels } from '../domain/exchange'
import { GatewayError } from '../errors'
import { abilitiesOf } from '../policy/abilities'
import type { FeatureView } from '../policy/feature-view'
import type { Hello } from '../session/sessions'
import type { Envelope, Span } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { resultMessage } from '../wire/messages'
import { textOf } from '../wire/text'
import type { LogLevel } from '../domain/exchange'
import { tokenAt } from './call'

/** Revisions with sessions that are spoken here; the last one is offered to a client that asks for another. */
export const sessionVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const
export const LATEST = '2025-11-25'
const MOST_HELLO_BYTES = 64 * 1024

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const empty = encoder.encode('{}')

/**
 * They do not depend on the moment: servers come and go, and the Space may be switched, while a session stays. Tasks and
 * extensions are offered beside them only when a visible server has them.
 */
export const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
}

const isKnown = (version: string): boolean => sessionVersions.some((known) => known === version)

/** Throws `rpc.protocol_version` for a version header that is not spoken; none at all is fine (it came in 2025-06-18). */
export function requireVersion(headers: Headers): void {
  const version = headers.get('mcp-protocol-version')
  if (version !== null && !isKnown(version))
    throw new GatewayError('rpc.protocol_version', `supported are ${sessionVersions.join(', ')}`)
}

/** The raw id token of a request. Throws `rpc.invalid` when it has none. */
export const idOf = (message: Envelope): Uint8Array => {
  if (!message.id) throw new GatewayError('rpc.invalid')
  return rawOf(message.bytes, message.id)
}

/** A JSON object as it is written, '{}' for none. Throws `rpc.params` for what is no object, or too large. */
export function objectText(message: Envelope, span: Span | null, name: string): string {
  if (!span) return '{}'
  if (message.bytes[span.start] !== 0x7b) throw new GatewayError('rpc.params', `${name} must be an object`)
  if (span.end - span.start === 2) return '{}'
  if (span.end - span.start > MOST_HELLO_BYTES) throw new GatewayError('rpc.params', `${name} is too large`)
  return decoder.decode(rawOf(message.bytes, span))
}

/** What an `initialize` says, with the version that is to be spoken. Throws `rpc.params`. */
export function readHello(message: Envelope): Hello {
  const { bytes, params } = message
  const versionSpan = params && member(bytes, params, 'protocolVersion')
  const version = versionSpan && textOf(bytes, versionSpan)
  if (!params || version === null) throw new GatewayError('rpc.params', 'protocolVersion must be a string')
  return {
    protocolVersion: isKnown(version) ? version : LATEST,
    clientInfo: objectText(message, member(bytes, params, 'clientInfo'), 'clientInfo'),
    clientCapabilities: objectText(message, member(bytes, params, 'capabilities'), 'capabilities'),
  }
}

/** Who answers. */
export const gatewayInfo = (version: string) => ({ name: 'mcpmux', title: 'McpMux', version })

/** The answer to `initialize`. */
export function helloMessage(
  message: Envelope,
  hello: Hello,
  gateway: { version: string; instructions: string | null; view: FeatureView },
): Uint8Array {
  // Tasks came with that revision, and left the protocol with the next.
  const { tasks } = hello.protocolVersion === LATEST ? abilitiesOf(gateway.view) : {}
  const result = {
    protocolVersion: hello.protocolVersion,
    capabilities: { ...capabilities, ...(tasks ? { tasks } : {}) },
    serverInfo: gatewayInfo(gateway.version),
    ...(gateway.instructions ? { instructions: gateway.instructions } : {}),
  }
  return resultMessage(idOf(message), encoder.encode(JSON.stringify(result)))
}

/** An empty result: the answer to `ping` and to `logging/setLevel`. */
export const emptyResult = (message: Envelope): Uint8Array => resultMessage(idOf(message), empty)

/** The level a `logging/setLevel` asks for. Throws `rpc.params`. */
export function readLevel(message: Envelope): LogLevel {
  const span = message.params && member(message.bytes, message.params, 'level')
  const name = span && textOf(message.bytes, span)
  const level = logLevels.find((known) => known === name)
  if (!level) throw new GatewayError('rpc.params', `level must be one of ${logLevels.join(', ')}`)
  return level
}

/** The raw id token a `notifications/cancelled` names; null when it names none. */
export function cancelledToken(message: Envelope): string | null {
  const span = message.params && member(message.bytes, message.params, 'requestId')
  return span && tokenAt(message, span)
}
