// From a server to the authorization server that lets in: what the server says, what its issuer says of itself.
import type { IssuerMetadata } from '../domain/authorization'
import type { RemoteDefinition } from '../domain/server'
import { GatewayError } from '../errors'
import { discard } from '../net/body'
import type { SafeFetch, SafeRequest } from '../net/safe-fetch'
import { unlessAborted } from '../net/unless-aborted'
import type { Runtime } from '../runtime'
import { type Challenge, readChallenge } from './challenge'
import type { OAuthFetch } from './fetch'
import { assumedMetadata, findIssuerMetadata } from './issuer-metadata'
import { findResourceMetadata } from './resource-metadata'

/** Where and for what a sign-in at a server goes. */
export interface Discovered {
  metadata: IssuerMetadata
  /** The resource indicator (RFC 8707), as the server spells it. */
  resource: string
  /** Whether it refused to do anything without a sign-in. */
  refused: boolean
  /** What the server said last it wants, and all it has. */
  challenge: Challenge | null
  scopes: readonly string[] | null
}

export interface DiscoverRequest {
  url: URL
  transport: RemoteDefinition['type']
  fetch: OAuthFetch
  runtime: Pick<Runtime, 'sleep'>
  /** `WWW-Authenticate` of the server's last refusal; null for finding out. */
  challenge: string | null
  /** Issuers this server has tokens or a client id from: kept to as long as the server names them. */
  known: readonly string[]
}

/** Milliseconds for the server to refuse. */
const PATIENCE = 10_000

/**
 * What a request without a token is told. A ping, because it leaves no session behind where no token is needed. Throws
 * `net.*`.
 */
async function probe(
  safeFetch: SafeFetch,
  { url, transport, runtime }: DiscoverRequest,
): Promise<{ refused: boolean; challenge: string | null }> {
  const done = new AbortController()
  const late = new AbortController()
  runtime.sleep(PATIENCE, done.signal).then(
    () => late.abort(new GatewayError('net.failed', 'its answer took too long')),
    () => undefined,
  )
  const common = {
    trust: { kind: 'typed' },
    redirects: 'same-origin',
    connectTimeout: PATIENCE,
    idleTimeout: PATIENCE,
    signal: late.signal,
  } as const
  const stream = 'text/event-stream'
  const request: SafeRequest =
    transport === 'sse'
      ? { ...common, headers: { accept: stream } }
      : {
          ...common,
          method: 'POST',
          headers: { accept: `application/json, ${stream}`, 'content-type': 'application/json' },
          body: new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"ping"}'),
        }
  try {
    const response = await unlessAborted(safeFetch(url, request), late.signal)
    // Its head says it all; a body may come a byte at a time.
    await unlessAborted(discard(response), late.signal).catch(() => undefined)
    return { refused: response.status === 401, challenge: response.headers.get('www-authenticate') }
  } finally {
    done.abort()
  }
}

async function issuerOf(request: DiscoverRequest, issuers: readonly string[]): Promise<IssuerMetadata> {
  const pinned = issuers.filter((issuer) => request.known.includes(issuer))
  let first: unknown = null
  for (const issuer of pinned.length > 0 ? pinned : issuers) {
    try {
      const found = await findIssuerMetadata(request.fetch, issuer, request.url.href)
      if (found) return found
      first ??= new GatewayError('oauth.metadata', 'the authorization server publishes nothing of itself')
    } catch (error) {
      first ??= error
    }
  }
  throw first
}

/** Throws `oauth.not_offered`, `oauth.resource_mismatch`, `oauth.metadata`, `oauth.issuer_mismatch`, `oauth.no_pkce`,
 * `oauth.unreachable`, `net.*`.
 */
export async function discover(safeFetch: SafeFetch, request: DiscoverRequest): Promise<Discovered> {
  const { url, fetch } = request
  const answer =
    request.challenge === null
      ? await probe(safeFetch, request)
      : { refused: true, challenge: request.challenge }
  const challenge = readChallenge(answer.challenge)
  const published = await findResourceMetadata(fetch, url, challenge?.resourceMetadata ?? null)
  if (published) {
    const metadata = await issuerOf(request, published.issuers)
    const { resource, scopes } = published
    return { metadata, resource, refused: answer.refused, challenge, scopes }
  }
  if (challenge?.resourceMetadata)
    throw new GatewayError('oauth.metadata', 'where the server says its metadata are, there are none')
  // Before metadata of resources there were servers that let in themselves (MCP 2025-03-26, authorization).
  const own = await findIssuerMetadata(fetch, url.origin, url.href)
  if (!own && !answer.refused) throw new GatewayError('oauth.not_offered')
  return {
    metadata: own ?? assumedMetadata(url),
    ...{ resource: url.href, refused: answer.refused, challenge, scopes: null },
  }
}
