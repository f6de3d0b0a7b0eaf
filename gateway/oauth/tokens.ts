import type { IssuerMetadata, SignInNeed, TokenTimes } from '../domain/authorization'
import type { Server } from '../domain/server'
import type { EventBus } from '../events'
import type { TokenStore } from '../store/oauth-tokens'
import { coversUrl } from './resource-metadata'
import { signInAddress } from './sign-in-address'
import type { CurrentTokens } from './current'
import type { Binding, Registration, TokenGrant } from './grant'
import type { OpenTokens, SealedTokens } from './sealed-tokens'
import type { TokenEndpoint } from './token-endpoint'

/** What may be said of the sign-in of a server. */
export interface SignInStatus extends TokenTimes {
  issuer: string
  resource: string
  needs: SignInNeed | null
  /** Scopes the server asked for beyond those it got, with those. */
  wantedScope: string | null
  /** False when the address of the server is not what the tokens are for: they are kept and not sent. */
  bound: boolean
}

/** The sign-ins of servers, as tokens. */
export interface Tokens {
  /**
   * A person signed in: stores the tokens durably, over older ones of the same binding. `grant.scope` is what was asked
   * for where the issuer did not say. Throws `server.unknown` and what the vault says.
   */
  accept(binding: Binding, registration: Registration, metadata: IssuerMetadata, grant: TokenGrant): void
  /** The sign-in a server has; null for none. */
  of(server: Server): SignInStatus | null
  /**
   * Removes all tokens of a server at once; resolves when their issuers were told (RFC 7009), with false when one could
   * not be.
   */
  forget(server: Server): Promise<boolean>
  /** The stored tokens of a server were replaced from outside: they are the ones in use from now on. */
  reread(server: Pick<Server, 'id' | 'spaceId'>): void
  /** Differs once a person signed in or out, or tokens were replaced; not when tokens are renewed, or get more rights. */
  stamp(serverId: string): string
}

export interface TokensDeps {
  store: TokenStore
  sealed: SealedTokens
  current: CurrentTokens
  endpoint: Pick<TokenEndpoint, 'revoke'>
  registrationOf(binding: Binding): Registration | null
  events: Pick<EventBus, 'emit'>
}

export function createTokens(deps: TokensDeps): Tokens {
  const { store, sealed, current, endpoint, events } = deps
  const stamps = new Map<string, number>()

  const another = (serverId: string) => stamps.set(serverId, (stamps.get(serverId) ?? 0) + 1)

  function changed({ serverId, spaceId }: Pick<Binding, 'serverId' | 'spaceId'>): void {
    current.drop(serverId)
    events.emit('authorization.changed', { spaceId, serverId })
  }

  /** What its issuer is to be told; null for what cannot be read. */
  function revocation(tokens: OpenTokens): Promise<boolean> | null {
    let registration: Registration | null
    try {
      registration = deps.registrationOf(tokens)
    } catch {
      // Who signs out is signed out, whatever became of the registration.
      return null
    }
    if (!registration) return null
    const { metadata, accessToken, refreshToken } = tokens
    const revoke = (token: OpenTokens['accessToken']) =>
      endpoint.revoke(metadata, registration, token, tokens.resource)
    // The access tokens of a refresh token end with it, where both are known.
    if (!refreshToken) return revoke(accessToken)
    return revoke(refreshToken).then((told) => revoke(accessToken).then(() => told))
  }

  function opened(serverId: string): OpenTokens[] {
    return store.list(serverId).flatMap((row) => {
      try {
        return [sealed.open(row)]
      } catch {
        return []
      }
    })
  }

  return {
    accept(binding, { clientId }, metadata, grant) {
      const next = { ...binding, ...grant, clientId, metadata, needs: null, wantedScope: null }
      for (;;) {
        const before = store.get(binding)
        if (!sealed.put(next, before?.version ?? 0)) continue
        const more = before?.needs === 'scope' && before.clientId === clientId
        if (!more) another(binding.serverId)
        return changed(binding)
      }
    },
    of(server) {
      const address = signInAddress(server)
      const url = address === null ? null : new URL(address)
      const isBound = (resource: string) => url !== null && coversUrl(resource, url)
      const [best] = store
        .list(server.id)
        .toSorted(
          (a, b) => Number(isBound(b.resource)) - Number(isBound(a.resource)) || b.issuedAt - a.issuedAt,
        )
      if (!best) return null
      const { issuer, resource, scope, issuedAt, expiresAt, needs, wantedScope } = best
      return {
        ...{ issuer, resource, scope, issuedAt, expiresAt, needs, wantedScope },
        bound: isBound(resource),
      }
    },
    async forget(server) {
      const { id: serverId, spaceId } = server
      const telling = opened(serverId).map(revocation)
      const rows = store.list(serverId)
      for (const row of rows) store.remove(row)
      if (rows.length > 0) {
        another(serverId)
        changed({ serverId, spaceId })
      }
      const told = await Promise.all(telling)
      return told.length === rows.length && told.every((one) => one === true)
    },
    reread({ id: serverId, spaceId }) {
      another(serverId)
      changed({ serverId, spaceId })
    },
    stamp: (serverId) => String(stamps.get(serverId) ?? 0),
  }
}
