import type { SignInNeed, TokenTimes } from '../domain/authorization'
import { GatewayError } from '../errors'
import type { Database } from './database'

/** The tokens of one server from one issuer for one resource, sealed. */
export interface StoredTokens extends TokenTimes {
  serverId: string
  spaceId: string
  issuer: string
  resource: string
  clientId: string
  version: number
  keyId: string
  envelope: Uint8Array
  needs: SignInNeed | null
  wantedScope: string | null
}

export type TokenKey = Pick<StoredTokens, 'serverId' | 'issuer' | 'resource'>

export interface TokenStore {
  get(key: TokenKey): StoredTokens | null
  /** Of one server, or of all. */
  list(serverId?: string): StoredTokens[]
  /**
   * Writes over the version that was read (0: there was none), durably before it returns. False when another one was
   * written meanwhile, by this process or another; nothing is changed then. Throws `server.unknown`.
   */
  put(tokens: Omit<StoredTokens, 'version'>, over: number): boolean
  /** Notes that a person is needed, or is not. The tokens stay. False as for `put`. */
  mark(key: TokenKey, over: number, needs: SignInNeed | null, wantedScope: string | null): boolean
  /**
   * Takes the renewal of this version for this process, up to `until`. False while another one has it, or when another
   * version was written. Ends with the next `put`, too. Epoch milliseconds.
   */
  claim(key: TokenKey, over: number, now: number, until: number): boolean
  /** Gives back the claim that was taken up to then. */
  release(key: TokenKey, until: number): void
  remove(key: TokenKey): void
}

interface Row {
  server_id: string
  space_id: string
  issuer: string
  resource: string
  client_id: string
  version: number
  scope: string | null
  key_id: string
  envelope: Uint8Array
  issued_at: number
  expires_at: number | null
  needs: SignInNeed | null
  wanted_scope: string | null
}

const toTokens = (row: Row): StoredTokens => ({
  serverId: row.server_id,
  spaceId: row.space_id,
  issuer: row.issuer,
  resource: row.resource,
  clientId: row.client_id,
  version: row.version,
  scope: row.scope,
  keyId: row.key_id,
  envelope: row.envelope,
  issuedAt: row.issued_at,
  expiresAt: row.expires_at,
  needs: row.needs,
  wantedScope: row.wanted_scope,
})

const here = 'server_id = $serverId AND issuer = $issuer AND resource = $resource'

/** Tokens of servers. Two processes on one file cannot write over each other unseen. */
export function createTokenStore(db: Database): TokenStore {
  const one = db.statement<Row>(`SELECT * FROM oauth_tokens WHERE ${here}`)
  const all = db.statement<Row>('SELECT * FROM oauth_tokens ORDER BY server_id, issuer, resource')
  const ofServer = db.statement<Row>(
    'SELECT * FROM oauth_tokens WHERE server_id = $serverId ORDER BY issuer, resource',
  )
  const server = db.statement('SELECT 1 FROM servers WHERE id = $serverId AND space_id = $spaceId')
  const put = db.statement(`
    INSERT OR REPLACE INTO oauth_tokens (server_id, space_id, issuer, resource, client_id, version, scope,
      key_id, envelope, issued_at, expires_at, needs, wanted_scope)
    VALUES ($serverId, $spaceId, $issuer, $resource, $clientId, $version, $scope,
      $keyId, $envelope, $issuedAt, $expiresAt, $needs, $wantedScope)`)
  const mark = db.statement(`
    UPDATE oauth_tokens SET needs = $needs, wanted_scope = $wantedScope, version = version + 1
    WHERE ${here} AND version = $over`)
  // A claim that lies further ahead than any does was made before the clock was put back.
  const claim = db.statement(`
    UPDATE oauth_tokens SET claimed_until = $until
    WHERE ${here} AND version = $over
      AND (claimed_until IS NULL OR claimed_until <= $now OR claimed_until > $until)`)
  const release = db.statement(
    `UPDATE oauth_tokens SET claimed_until = NULL WHERE ${here} AND claimed_until = $until`,
  )
  const drop = db.statement(`DELETE FROM oauth_tokens WHERE ${here}`)
  const keyOf = ({ serverId, issuer, resource }: TokenKey) => ({ serverId, issuer, resource })

  return {
    get(key) {
      const row = one.get(keyOf(key))
      return row && toTokens(row)
    },
    list: (serverId) => (serverId === undefined ? all.all() : ofServer.all({ serverId })).map(toTokens),
    put: (tokens, over) =>
      db.transaction(() => {
        if (!server.get({ serverId: tokens.serverId, spaceId: tokens.spaceId }))
          throw new GatewayError('server.unknown')
        if ((one.get(keyOf(tokens))?.version ?? 0) !== over) return false
        put.run({ ...tokens, version: over + 1 })
        return true
      }),
    mark: (key, over, needs, wantedScope) => mark.run({ ...keyOf(key), over, needs, wantedScope }) > 0,
    claim: (key, over, now, until) => claim.run({ ...keyOf(key), over, now, until }) > 0,
    release(key, until) {
      release.run({ ...keyOf(key), until })
    },
    remove(key) {
      drop.run(keyOf(key))
    },
  }
}
