import { GatewayError } from '../errors'
import { Secret } from '../secrets/secret'

/** Headers of requests that are ours to set; a definition may not name them. */
const reserved = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * A definition's headers ready to be sent, names in lower case. Throws `input.invalid` for a header that is ours to set
 * and for what HTTP does not allow (RFC 9110 section 5.5); the value itself is never repeated.
 */
export function ownHeaders(headers: Readonly<Record<string, Secret | string>>): Record<string, string> {
  const own: Record<string, string> = { 'user-agent': 'McpMux' }
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower))
      throw new GatewayError('input.invalid', 'a header has no valid name')
    if (reserved.has(lower) || lower.startsWith('mcp-param-'))
      throw new GatewayError('input.invalid', `McpMux sets the header ${lower} itself`)
    const text = (value instanceof Secret ? value.reveal() : value).trim()
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) {
      throw new GatewayError('input.invalid', `the header ${lower} has a character that HTTP does not allow`)
    }
    own[lower] = text
  }
  return own
}

/** The media type of a response without its parameters, in lower case; '' when it has none. */
export const mediaTypeOf = (response: Response): string =>
  (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
