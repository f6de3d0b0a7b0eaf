// What an authorization server says of itself (RFC 8414; OpenID Connect Discovery 1.0).
import { type AuthorizationServer, processDiscoveryResponse } from 'oauth4webapi'
import type { IssuerMetadata } from '../domain/authorization'
import { GatewayError } from '../errors'
import { endpointOf, insertWellKnown } from './addresses'
import { isJson, jsonOf, textsOf } from './documents'
import type { OAuthFetch } from './fetch'

/** Where the document of an issuer may be, in the order of MCP 2026-07-28. */
function placesOf(issuer: URL): URL[] {
  const appended = new URL(issuer)
  appended.pathname = `${issuer.pathname.replace(/\/$/, '')}/.well-known/openid-configuration`
  const places = [
    insertWellKnown(issuer, 'oauth-authorization-server'),
    insertWellKnown(issuer, 'openid-configuration'),
    appended,
  ]
  return [...new Set(places.map(({ href }) => href))].map((href) => new URL(href))
}

/** Throws when it cannot be used for a sign-in; `typedUrl` is the address of the server. */
function read(server: AuthorizationServer, issuer: string, typedUrl: string): IssuerMetadata {
  if (textsOf(server.code_challenge_methods_supported)?.includes('S256') !== true)
    throw new GatewayError(
      'oauth.no_pkce',
      'it does not say that it takes S256 (RFC 7636), so a stolen code could be used',
    )
  const required = (text: unknown, what: string): string => {
    if (text === undefined)
      throw new GatewayError('oauth.metadata', `the authorization server has no ${what}`)
    return usable(text, what)
  }
  const usable = (text: unknown, what: string): string => {
    if (!endpointOf(text, typedUrl))
      throw new GatewayError('oauth.metadata', `the ${what} of the authorization server must not be used`)
    return String(text)
  }
  const optional = (text: unknown, what: string): string | null =>
    text === undefined || text === null ? null : usable(text, what)
  if (textsOf(server.response_types_supported)?.includes('code') === false)
    throw new GatewayError('oauth.metadata', 'the authorization server gives no codes')
  return {
    issuer,
    authorizationEndpoint: required(server.authorization_endpoint, 'authorization_endpoint'),
    tokenEndpoint: required(server.token_endpoint, 'token_endpoint'),
    registrationEndpoint: optional(server.registration_endpoint, 'registration_endpoint'),
    revocationEndpoint: optional(server.revocation_endpoint, 'revocation_endpoint'),
    takesDocuments: server.client_id_metadata_document_supported === true,
    namesItself: server.authorization_response_iss_parameter_supported === true,
    authMethods: textsOf(server.token_endpoint_auth_methods_supported),
    scopes: textsOf(server.scopes_supported),
  }
}

/**
 * The metadata of `issuer`, which names itself with exactly this text. Null when none is published. Throws
 * `oauth.issuer_mismatch`, `oauth.no_pkce`, `oauth.metadata`, `oauth.unreachable`, and `net.*`.
 */
export async function findIssuerMetadata(
  fetch: OAuthFetch,
  issuer: string,
  typedUrl: string,
): Promise<IssuerMetadata | null> {
  const url = endpointOf(issuer, typedUrl)
  if (!url || url.search !== '' || issuer.includes('?'))
    throw new GatewayError('oauth.metadata', 'the server names an authorization server that must not be used')
  let failed: number | null = null
  let mismatch = false
  for (const place of placesOf(url)) {
    const response = await fetch(place)
    if (response.status === 200) {
      const same = response.clone()
      const server = isJson(response) ? await processDiscoveryResponse(url, response).catch(() => null) : null
      // The library compares addresses as a parser spells them; the standard compares texts.
      if (server?.issuer === issuer) return read(server, issuer, typedUrl)
      // Pages for everything that does not exist are common, and no statement of an issuer.
      mismatch ||= (await jsonOf(same)) !== null
    } else if (response.status >= 500 || response.status === 429) failed ??= response.status
  }
  if (mismatch)
    throw new GatewayError(
      'oauth.issuer_mismatch',
      'what is published under its name is not its own, or is broken',
    )
  if (failed !== null)
    throw new GatewayError('oauth.unreachable', `the authorization server answers HTTP ${failed}`)
  return null
}

/**
 * What MCP 2025-03-26 has a client assume of a server that publishes nothing: it is its own authorization server, with
 * these endpoints, and takes S256, which that revision demands.
 */
export const assumedMetadata = (url: URL): IssuerMetadata => ({
  issuer: url.origin,
  authorizationEndpoint: `${url.origin}/authorize`,
  tokenEndpoint: `${url.origin}/token`,
  registrationEndpoint: `${url.origin}/register`,
  revocationEndpoint: null,
  takesDocuments: false,
  namesItself: false,
  authMethods: null,
  scopes: null,
})
