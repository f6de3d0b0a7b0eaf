// Which addresses of documents are believed. What may be reached is decided where it is fetched (`net/safe-fetch`).
import { isLoopbackHost } from '../net/addresses'

/** People are shown these: visible ASCII, without quotes and backslashes, and what it is comes first. */
const WELL_SPELLED = /^https?:\/\/[\x21\x23-\x26\x28-\x5b\x5d\x5f\x61-\x7a\x7e]{1,2040}$/

/**
 * The address when it may be one of an authorization server: https, or http on this machine when the server itself is
 * there; nothing of a login and no fragment in it (RFC 8414, section 2). Null for anything else.
 */
export function endpointOf(text: unknown, typedUrl: string): URL | null {
  if (typeof text !== 'string' || !WELL_SPELLED.test(text) || !URL.canParse(text)) return null
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || text.includes('#')) return null
  if (url.protocol === 'https:') return url
  const local = isLoopbackHost(url.hostname) && isLoopbackHost(new URL(typedUrl).hostname)
  return url.protocol === 'http:' && local ? url : null
}

/** `well-known` between the host and the path (RFC 8414, section 3.1; RFC 9728, section 3.1). */
export function insertWellKnown(url: URL, name: string): URL {
  const at = new URL(url)
  at.pathname = `/.well-known/${name}${url.pathname.replace(/\/$/, '')}`
  return at
}
