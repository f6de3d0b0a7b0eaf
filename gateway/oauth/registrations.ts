// How McpMux is known to authorization servers: kept for each server and issuer, and never used at another issuer.
import type { Server } from '../domain/server'
import { GatewayError } from '../errors'
import type { Place } from '../secrets/envelope'
import { Secret } from '../secrets/secret'
import type { Vault } from '../secrets/vault'
import type { Database } from '../store/database'
import type { RegistrationStore, StoredRegistration } from '../store/oauth-registrations'
import { endpointOf } from './addresses'
import type { Registration } from './grant'

/** Where a dynamic registration is managed, and the token for it (RFC 7592). */
export interface Management {
  uri: string
  token: Secret
}

export interface HeldRegistration extends Registration {
  management: Management | null
}

/** A client id a person got somewhere, perhaps with a secret. Without an issuer it is for the first that is found. */
export interface GivenRegistration {
  issuer?: string
  clientId: string
  clientSecret: Secret | null
}

type Owner = Pick<Server, 'id' | 'spaceId'>

export interface Registrations {
  /**
   * The registration at exactly this issuer. Throws what the vault says when it has a secret that cannot be opened now,
   * and `credential.unreadable`.
   */
  find(server: Owner, issuer: string): HeldRegistration | null
  /**
   * Ties a given one without an issuer to this one, then finds one to sign in with: null for one that cannot be read and
   * no person gave, because another takes its place. Throws as `find`.
   */
  claim(server: Owner, issuer: string): HeldRegistration | null
  /** Replaces what was there for its issuer. Throws what the vault says. */
  put(server: Owner, registration: HeldRegistration): void
  /** Throws `input.invalid`, `server.unknown`, and what the vault says. */
  give(server: Owner, given: GivenRegistration): void
  remove(serverId: string, issuer: string): void
  /** All that can be opened now. */
  list(server: Owner): HeldRegistration[]
}

/** Stands where an issuer is not known yet; no issuer is spelled so. */
const UNBOUND = ''

const placeOf = (server: Owner, issuer: string): Place => ({
  table: 'oauth_registrations',
  column: 'envelope',
  // The id of a server has no slash.
  row: `${server.id}/${issuer}`,
  space: server.spaceId,
})

/** What a client id or secret is made of (RFC 6749, appendix A). */
export const isClientText = (text: unknown): text is string =>
  typeof text === 'string' && /^[\x20-\x7e]{1,4096}$/.test(text)

/** What is in an envelope: where a registration is managed is bound to the token that is sent there. */
interface Sealed {
  client?: string
  /** A row from before the address was sealed has the token alone. */
  management?: { uri: string; token: string } | string
}

function managementIn({ management }: Sealed, row: StoredRegistration): Management | null {
  if (management === undefined) return null
  if (typeof management !== 'string') return { uri: management.uri, token: new Secret(management.token) }
  // Whoever writes to the file could have put it there; the issuer is sealed with the row.
  const beside = endpointOf(row.unsealedUri, row.issuer)
  const atIssuer = beside !== null && beside.origin === new URL(row.issuer).origin
  return atIssuer ? { uri: beside.href, token: new Secret(management) } : null
}

export function createRegistrations(deps: {
  store: RegistrationStore
  vault: Pick<Vault, 'seal' | 'open' | 'state'>
  db: Pick<Database, 'transaction'>
}): Registrations {
  const { store, vault, db } = deps

  function open(server: Owner, row: StoredRegistration): HeldRegistration {
    let secrets: Sealed = {}
    if (row.sealed) {
      const opened = vault.open(placeOf(server, row.issuer), row.sealed.envelope)
      if (!opened) throw new GatewayError('credential.unreadable', 'its client secret')
      secrets = JSON.parse(opened.reveal()) as Sealed
    }
    const { client } = secrets
    return {
      issuer: row.issuer,
      kind: row.kind,
      clientId: row.clientId,
      authMethod: row.authMethod,
      redirectUri: row.redirectUri,
      clientSecret: client === undefined ? null : new Secret(client),
      secretExpiresAt: row.secretExpiresAt,
      management: managementIn(secrets, row),
    }
  }

  function put(server: Owner, held: HeldRegistration): void {
    const { management, clientSecret, ...rest } = held
    const secrets: Sealed = {
      ...(clientSecret && { client: clientSecret.reveal() }),
      ...(management && { management: { uri: management.uri, token: management.token.reveal() } }),
    }
    const nothing = Object.keys(secrets).length === 0
    store.put({
      ...rest,
      serverId: server.id,
      spaceId: server.spaceId,
      sealed: nothing ? null : vault.seal(placeOf(server, held.issuer), new Secret(JSON.stringify(secrets))),
    })
  }

  function find(server: Owner, issuer: string): HeldRegistration | null {
    const row = store.get(server.id, issuer)
    return row && open(server, row)
  }

  function readable(server: Owner, issuer: string): HeldRegistration | null {
    try {
      return find(server, issuer)
    } catch (error) {
      const isGiven = store.get(server.id, issuer)?.kind === 'given'
      if (!isGiven && error instanceof GatewayError && error.code === 'credential.unreadable') return null
      throw error
    }
  }

  return {
    find,
    put,
    claim: (server, issuer) =>
      db.transaction(() => {
        const unbound = find(server, UNBOUND)
        if (unbound) {
          put(server, { ...unbound, issuer })
          store.remove(server.id, UNBOUND)
        }
        return readable(server, issuer)
      }),
    give(server, { issuer, clientId, clientSecret }) {
      if (!isClientText(clientId) || (clientSecret && !isClientText(clientSecret.reveal())))
        throw new GatewayError('input.invalid', 'a client id or secret is made of visible ASCII characters')
      if (issuer !== undefined && !endpointOf(issuer, issuer))
        throw new GatewayError('input.invalid', 'an issuer is an https address')
      put(server, {
        issuer: issuer ?? UNBOUND,
        kind: 'given',
        clientId,
        // How it is proved depends on the issuer, so it is chosen there.
        authMethod: clientSecret ? 'client_secret_basic' : 'none',
        redirectUri: '',
        clientSecret,
        secretExpiresAt: null,
        management: null,
      })
    },
    remove: (serverId, issuer) => store.remove(serverId, issuer),
    list: (server) =>
      store.list(server.id).flatMap((row) => {
        if (row.sealed && vault.state().status !== 'open') return []
        try {
          return [open(server, row)]
        } catch {
          // One that cannot be read is of no use to anybody here.
          return []
        }
      }),
  }
}
