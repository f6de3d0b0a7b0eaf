import type { ClientAuthMethod, RegistrationKind } from '../domain/authorization'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

/** Our client id at one issuer, for one server. This store never sees what is in the envelope. */
export interface StoredRegistration {
  serverId: string
  spaceId: string
  issuer: string
  kind: RegistrationKind
  clientId: string
  authMethod: ClientAuthMethod
  redirectUri: string
  /** Where it is managed, in rows from before that was sealed. */
  unsealedUri: string | null
  secretExpiresAt: number | null
  sealed: { keyId: string; envelope: Uint8Array } | null
  createdAt: number
}

export interface RegistrationStore {
  get(serverId: string, issuer: string): StoredRegistration | null
  list(serverId: string): StoredRegistration[]
  /** Replaces an older one at the same issuer. Throws `server.unknown` when the server is not in that Space. */
  put(registration: Omit<StoredRegistration, 'createdAt' | 'unsealedUri'>): void
  remove(serverId: string, issuer: string): void
}

interface Row {
  server_id: string
  space_id: string
  issuer: string
  kind: RegistrationKind
  client_id: string
  auth_method: ClientAuthMethod
  redirect_uri: string
  configuration_uri: string | null
  secret_expires_at: number | null
  key_id: string | null
  envelope: Uint8Array | null
  created_at: number
}

const toRegistration = (row: Row): StoredRegistration => ({
  serverId: row.server_id,
  spaceId: row.space_id,
  issuer: row.issuer,
  kind: row.kind,
  clientId: row.client_id,
  authMethod: row.auth_method,
  redirectUri: row.redirect_uri,
  unsealedUri: row.configuration_uri,
  secretExpiresAt: row.secret_expires_at,
  sealed: row.key_id !== null && row.envelope ? { keyId: row.key_id, envelope: row.envelope } : null,
  createdAt: row.created_at,
})

/** How this program is known to authorization servers. */
export function createRegistrationStore(db: Database, runtime: Pick<Runtime, 'now'>): RegistrationStore {
  const one = db.statement<Row>(
    'SELECT * FROM oauth_registrations WHERE server_id = $serverId AND issuer = $issuer',
  )
  const ofServer = db.statement<Row>(
    'SELECT * FROM oauth_registrations WHERE server_id = $serverId ORDER BY created_at, issuer',
  )
  const server = db.statement('SELECT 1 FROM servers WHERE id = $serverId AND space_id = $spaceId')
  const put = db.statement(`
    INSERT OR REPLACE INTO oauth_registrations (server_id, space_id, issuer, kind, client_id, auth_method,
      redirect_uri, secret_expires_at, key_id, envelope, created_at)
    VALUES ($serverId, $spaceId, $issuer, $kind, $clientId, $authMethod,
      $redirectUri, $secretExpiresAt, $keyId, $envelope, $now)`)
  const drop = db.statement(
    'DELETE FROM oauth_registrations WHERE server_id = $serverId AND issuer = $issuer',
  )

  return {
    get(serverId, issuer) {
      const row = one.get({ serverId, issuer })
      return row && toRegistration(row)
    },
    list: (serverId) => ofServer.all({ serverId }).map(toRegistration),
    put: ({ sealed, ...rest }) =>
      db.transaction(() => {
        if (!server.get({ serverId: rest.serverId, spaceId: rest.spaceId }))
          throw new GatewayError('server.unknown')
        const [keyId, envelope] = [sealed?.keyId ?? null, sealed?.envelope ?? null]
        put.run({ ...rest, keyId, envelope, now: runtime.now() })
      }),
    remove(serverId, issuer) {
      drop.run({ serverId, issuer })
    },
  }
}
