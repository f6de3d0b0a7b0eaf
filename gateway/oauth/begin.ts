// How a sign-in begins: everything is found out and checked before there is an address for a browser.
import type { Server } from '../domain/server'
import { GatewayError } from '../errors'
import type { SafeFetch } from '../net/safe-fetch'
import type { Runtime } from '../runtime'
import type { Vault } from '../secrets/vault'
import type { StoredFlow } from '../store/oauth-flows'
import type { StoredTokens, TokenStore } from '../store/oauth-tokens'
import type { ServerStore } from '../store/servers'
import { authorizationUrl, freshSecrets } from './authorization-request'
import { discover } from './discovery'
import type { OAuthFetch } from './fetch'
import type { FlowRows } from './flow-rows'
import type { SignInNeeds } from './needs'
import type { ChosenRegistration, RegistrationRequest } from './registration'
import type { Registrations } from './registrations'
import { coversUrl } from './resource-metadata'
import { addedScope, chooseScope, scopesIn } from './scopes'
import { signInUrl } from './sign-in-address'

export interface BeginDeps {
  servers: Pick<ServerStore, 'get'>
  rows: FlowRows
  tokens: Pick<TokenStore, 'list'>
  needs: Pick<SignInNeeds, 'wanted'>
  registrations: Pick<Registrations, 'list'>
  choose: (request: RegistrationRequest) => Promise<ChosenRegistration>
  vault: Pick<Vault, 'requireOpen'>
  safeFetch: SafeFetch
  fetchFor: (typedUrl: string) => OAuthFetch
  /** A person approved that this server is contacted. */
  consented: (server: Server) => boolean
  /** `WWW-Authenticate` of the last refusal of this server; null when there was none since the start. */
  lastChallenge: (serverId: string, url: string) => string | null
  /** Where browsers are sent back to now. */
  redirectUri: () => string
  runtime: Pick<Runtime, 'now' | 'newId' | 'randomBytes' | 'sleep'>
}

const LIFETIME = 600_000
/** Sign-ins for the same rights, or within ten minutes for any, after which a server that asks for more is not believed. */
const ATTEMPTS = 3
const ATTEMPTS_WITHIN = 600_000

const includes = (scope: string | null, wanted: string | null): boolean => addedScope(wanted, scope) === null

/** Begins a sign-in at a server, or gives the one that waits; see `Flows.begin`. */
export function createBegin(deps: BeginDeps) {
  const { rows, tokens, runtime } = deps

  /** Why the server is not believed that it needs more; null when it is. */
  function disbelief({ serverId, issuer: at, wantedScope }: StoredTokens): string | null {
    const done = rows.list(serverId).filter(({ phase, issuer }) => phase === 'done' && issuer === at)
    const same = done.filter(({ scope }) => includes(scope, wantedScope))
    if (same.length >= ATTEMPTS) return `you signed in ${same.length} times for what it asks`
    const lately = done.filter(({ createdAt }) => createdAt > runtime.now() - ATTEMPTS_WITHIN)
    return lately.length >= ATTEMPTS ? 'it asks for something else each time; wait ten minutes' : null
  }

  /** What the server asked for beyond what its tokens have; null when it did not. */
  function demanded(serverId: string): string | null {
    const row = tokens
      .list(serverId)
      .find(({ needs, wantedScope }) => needs === 'scope' || wantedScope !== null)
    const refusal = row ? disbelief(row) : null
    if (refusal === null) return row?.wantedScope ?? null
    if (row?.needs === 'scope') throw new GatewayError('oauth.scope_refused', refusal)
    // Who has to sign in anew does so all the same, for what there was.
    return null
  }

  return async (serverId: string, asked: string | null): Promise<StoredFlow> => {
    const server = deps.servers.get(serverId)
    const url = signInUrl(server)
    if (!deps.consented(server)) throw new GatewayError('upstream.needs_consent')
    deps.vault.requireOpen()
    const redirectUri = deps.redirectUri()
    const wanted = demanded(serverId)
    const needed = [...new Set([...scopesIn(asked), ...scopesIn(wanted)])].join(' ')
    const live = rows.live(serverId)
    if (
      live &&
      // What an older key of the vault sealed cannot be opened any more.
      rows.view(live).url !== null &&
      live.redirectUri === redirectUri &&
      coversUrl(live.resource, url) &&
      includes(live.scope, needed)
    )
      return live

    const fetch = deps.fetchFor(url.href)
    const held = [...tokens.list(serverId), ...deps.registrations.list(server)]
    const { metadata, resource, refused, challenge, scopes } = await discover(deps.safeFetch, {
      url,
      transport: server.definition.type === 'sse' ? 'sse' : 'http',
      fetch,
      runtime,
      challenge: deps.lastChallenge(serverId, url.href),
      known: held.map(({ issuer }) => issuer),
    })
    if (refused) deps.needs.wanted(serverId)
    const granted = tokens
      .list(serverId)
      .find((row) => row.issuer === metadata.issuer && row.resource === resource)
    const scope = chooseScope({
      wanted: wanted ?? challenge?.scope ?? null,
      asked,
      granted: granted?.scope ?? null,
      supported: scopes,
      issuerScopes: metadata.scopes,
    })
    const request = { server, typedUrl: url.href, metadata, redirectUri, fetch }
    const { registration, pending } = await deps.choose(request)
    const { clientId } = registration
    const secrets = freshSecrets(runtime)
    const address = await authorizationUrl({ metadata, clientId, redirectUri, resource, scope, secrets })
    if (signInUrl(deps.servers.get(serverId)).href !== url.href)
      throw new GatewayError('oauth.interrupted', 'the address of the server was changed')
    const replaced = rows.live(serverId)
    if (replaced)
      rows.step(
        replaced,
        'waiting',
        'cancelled',
        new GatewayError('oauth.interrupted', 'a newer sign-in took its place'),
      )
    return rows.add({
      id: runtime.newId(),
      ...{ serverId, spaceId: server.spaceId, issuer: metadata.issuer, resource, scope },
      ...{ clientId, redirectUri, state: secrets.state },
      sealed: {
        verifier: secrets.verifier,
        metadata,
        url: address,
        registration: pending ? registration : null,
      },
      expiresAt: runtime.now() + LIFETIME,
    })
  }
}
