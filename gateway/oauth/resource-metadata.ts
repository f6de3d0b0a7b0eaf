// What a server says of how to be let in (protected-resource metadata, RFC 9728).
import { GatewayError } from '../errors'
import { endpointOf, insertWellKnown } from './addresses'
import { scopeText } from './challenge'
import { jsonOf, textsOf } from './documents'
import type { OAuthFetch } from './fetch'

/** Checked. `resource` is exactly the text the server published. */
export interface ResourceMetadata {
  resource: string
  /** In the order of the server, at least one and at most five; not checked themselves. */
  issuers: readonly string[]
  scopes: readonly string[] | null
}

const MOST_ISSUERS = 5
const NAME = 'oauth-protected-resource'

/**
 * True when a token for `resource` may go to `url`: it is that address, or one above it on the same origin (RFC 9728,
 * section 3.3; MCP 2026-07-28, canonical server URI). Spelled in another way than a URL parser does, it is another one.
 */
export function coversUrl(resource: string, url: URL): boolean {
  if (!URL.canParse(resource)) return false
  const at = new URL(resource)
  if (at.href !== resource && at.href !== `${resource}/`) return false
  if (at.origin !== url.origin || at.username !== '' || at.password !== '' || at.hash !== '') return false
  if (at.search !== '') return at.pathname === url.pathname && at.search === url.search
  if (at.pathname === url.pathname) return true
  const folder = at.pathname.endsWith('/') ? at.pathname : `${at.pathname}/`
  // A server that undoes these leaves the folder.
  return url.pathname.startsWith(folder) && !/%2f|%5c|%2e/i.test(url.pathname.slice(folder.length))
}

function read(document: Readonly<Record<string, unknown>>, url: URL): ResourceMetadata {
  const { resource, authorization_servers, scopes_supported } = document
  if (typeof resource !== 'string' || !coversUrl(resource, url))
    throw new GatewayError(
      'oauth.resource_mismatch',
      'tokens for what it names would not be for the address you gave; if it moved, change the address of the server',
    )
  const issuers = textsOf(authorization_servers)?.slice(0, MOST_ISSUERS) ?? []
  if (issuers.length === 0)
    throw new GatewayError('oauth.metadata', 'the server names no authorization server')
  return {
    resource,
    issuers,
    scopes:
      textsOf(scopes_supported)?.filter((scope) => scopeText(scope) === scope && !scope.includes(' ')) ??
      null,
  }
}

/**
 * The metadata of the server at `url`: where its challenge says, else below its path, else at its root. Null when it
 * publishes none. Throws `oauth.resource_mismatch`, `oauth.metadata`, `oauth.unreachable`, and `net.*`.
 */
export async function findResourceMetadata(
  fetch: OAuthFetch,
  url: URL,
  named: string | null,
): Promise<ResourceMetadata | null> {
  const bare = new URL(url.pathname, url)
  const places = [insertWellKnown(bare, NAME), new URL(`/.well-known/${NAME}`, url)]
  if (named !== null) {
    const place = endpointOf(named, url.href)
    if (!place) throw new GatewayError('oauth.metadata', 'the server names an address that must not be used')
    places.unshift(place)
  }
  let failed: number | null = null
  for (const href of new Set(places.map((place) => place.href))) {
    const response = await fetch(href)
    const document = response.status === 200 ? await jsonOf(response) : null
    if (document) return read(document, url)
    if (response.status >= 500 || response.status === 429) failed ??= response.status
  }
  if (failed !== null) throw new GatewayError('oauth.unreachable', `the server answers HTTP ${failed}`)
  return null
}
