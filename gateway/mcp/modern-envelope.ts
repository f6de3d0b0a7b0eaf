import { logLevels, type LogLevel } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { Envelope, Span } from '../wire/envelope'
import { indexMembers, member } from '../wire/members'
import { spells, textOf } from '../wire/text'
import { decodeHeaderText } from '../wire/header-text'
import { objectText, sessionVersions } from './methods'

/** The revision without sessions, whose requests say by themselves who sends them and what they can do. */
export const modernVersion = '2026-07-28'
export const spokenVersions = [modernVersion, ...[...sessionVersions].reverse()]

const QUOTE = 0x22
const prefix = 'io.modelcontextprotocol/'

/** What a request of the modern era says of its sender, in its `_meta`. */
export interface ModernEnvelope {
  /** Raw JSON object. */
  clientCapabilities: string
  /** Null wants no log messages. */
  logLevel: LogLevel | null
  /** What it is about: the tool, prompt, address or task; null for what has none. */
  name: string | null
}

const metaOf = ({ bytes, params }: Envelope): Span | null => params && member(bytes, params, '_meta')

const versionOf = (message: Envelope): Span | null => {
  const meta = metaOf(message)
  return meta && member(message.bytes, meta, `${prefix}protocolVersion`)
}

/**
 * Whether a message is of the modern era (MCP 2026-07-28, versioning): its body claims it, or its header does. With a
 * session named and no such header it is not looked for in the body: the way of most calls.
 */
export function isModern(headers: Headers, message: Envelope): boolean {
  if (message.kind === 'response') return false
  const named = headers.get('mcp-protocol-version') === modernVersion
  if (message.method === 'initialize') {
    const claim = versionOf(message)
    return claim !== null && textOf(message.bytes, claim) === modernVersion
  }
  if (named) return true
  return headers.get('mcp-session-id') === null && versionOf(message) !== null
}

/**
 * Throws `rpc.envelope` for what is missing, `rpc.header_mismatch` when a header says something else than the message
 * (MCP 2026-07-28, Streamable HTTP, server validation), and `rpc.version_unsupported`.
 */
export function readModern(headers: Headers, message: Envelope): ModernEnvelope {
  const { bytes, params } = message
  // They are asked for by every step of the way.
  if (params) indexMembers(bytes, params)
  const meta = metaOf(message)
  if (meta) indexMembers(bytes, meta)
  const version = meta && member(bytes, meta, `${prefix}protocolVersion`)
  const isOurs = version && spells(bytes, version.start, version.end, modernVersion)
  const text = isOurs && bytes[version.start] === QUOTE ? modernVersion : version && textOf(bytes, version)
  if (!meta || text === null) throw new GatewayError('rpc.envelope', `${prefix}protocolVersion is required`)
  requireSame(headers, 'MCP-Protocol-Version', text)
  if (text !== modernVersion) {
    const data = { supported: spokenVersions, requested: text }
    throw new GatewayError('rpc.version_unsupported', `spoken are ${spokenVersions.join(', ')}`, { data })
  }
  const capabilities = member(bytes, meta, `${prefix}clientCapabilities`)
  if (!capabilities) throw new GatewayError('rpc.envelope', `${prefix}clientCapabilities is required`)
  const clientCapabilities = objectText(message, capabilities, `${prefix}clientCapabilities`)
  requireSame(headers, 'Mcp-Method', message.method ?? '')
  const name = nameOf(message)
  if (name !== null) requireSame(headers, 'Mcp-Name', name, decodeHeaderText)
  return { clientCapabilities, logLevel: levelOf(message, meta), name }
}

function requireSame(
  headers: Headers,
  header: string,
  said: string,
  decode: (text: string) => string | null = (text) => text,
): void {
  const value = headers.get(header)
  if (value === null) throw new GatewayError('rpc.header_mismatch', `the header ${header} is required`)
  if (decode(value.trim()) !== said)
    throw new GatewayError('rpc.header_mismatch', `${header} is not what the message says`)
}

const nameSources: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** What `Mcp-Name` repeats; null where there is nothing, which is for the router to judge. */
function nameOf({ method, params, bytes }: Envelope): string | null {
  const key = nameSources[method ?? '']
  const span = key !== undefined && params ? member(bytes, params, key) : null
  return span && textOf(bytes, span)
}

function levelOf({ bytes }: Envelope, meta: Span): LogLevel | null {
  const span = member(bytes, meta, `${prefix}logLevel`)
  if (!span) return null
  const name = textOf(bytes, span)
  const level = logLevels.find((known) => known === name)
  if (!level) throw new GatewayError('rpc.params', `${prefix}logLevel must be one of ${logLevels.join(', ')}`)
  return level
}
