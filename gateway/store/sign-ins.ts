import type { SignIn } from '../domain/sign-in'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

/** One refresh token, by its hash; `nextHash` is the one it was traded for. */
export interface StoredRefreshToken {
  signInId: string
  issuedAt: number
  usedAt: number | null
  nextHash: Uint8Array | null
}

export interface SignInStore {
  /** All of them, or those of one client; the ended ones too. */
  list(clientId?: string): SignIn[]
  get(id: string): SignIn | null
  /** `hash` is the SHA-256 of its first refresh token. Throws `client.unknown` without its client or applicant. */
  create(input: { clientId: string; applicantId: string; hash: Uint8Array }): SignIn
  token(hash: Uint8Array): StoredRefreshToken | null
  /** Trades a token for the next one. Nothing happens when it was traded already. */
  rotate(hash: Uint8Array, nextHash: Uint8Array): void
  /** True when it counted until now. Its tokens go with it. */
  revoke(id: string): boolean
  /** A durable write each time, so callers space them out. Nothing happens without such a sign-in. */
  touch(id: string, at: number): void
  /** Removes what ended before this time, with what it left behind. */
  expire(before: number): void
}

interface Row {
  id: string
  client_id: string
  applicant_id: string
  created_at: number
  last_used_at: number | null
  revoked_at: number | null
}

interface TokenRow {
  sign_in_id: string
  issued_at: number
  used_at: number | null
  next_hash: Uint8Array | null
}

const toSignIn = (row: Row): SignIn => ({
  id: row.id,
  clientId: row.client_id,
  applicantId: row.applicant_id,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
})

/** Sign-ins of clients and their refresh tokens. */
export function createSignInStore(db: Database, runtime: Pick<Runtime, 'now' | 'newId'>): SignInStore {
  const all = db.statement<Row>('SELECT * FROM sign_ins ORDER BY created_at, id')
  const ofClient = db.statement<Row>(
    'SELECT * FROM sign_ins WHERE client_id = $clientId ORDER BY created_at, id',
  )
  const byId = db.statement<Row>('SELECT * FROM sign_ins WHERE id = $id')
  const both = db.statement(`
    SELECT 1 FROM clients, applicants WHERE clients.id = $clientId AND applicants.id = $applicantId`)
  const insert = db.statement(`
    INSERT INTO sign_ins (id, client_id, applicant_id, created_at) VALUES ($id, $clientId, $applicantId, $now)`)
  const insertToken = db.statement(`
    INSERT INTO refresh_tokens (hash, sign_in_id, issued_at) VALUES ($hash, $signInId, $now)`)
  const tokenByHash = db.statement<TokenRow>('SELECT * FROM refresh_tokens WHERE hash = $hash')
  const useToken = db.statement(`
    UPDATE refresh_tokens SET used_at = $now, next_hash = $nextHash WHERE hash = $hash AND used_at IS NULL`)
  const dropTokens = db.statement('DELETE FROM refresh_tokens WHERE sign_in_id = $id')
  const dropUsed = db.statement('DELETE FROM refresh_tokens WHERE used_at < $before')
  const end = db.statement('UPDATE sign_ins SET revoked_at = $now WHERE id = $id AND revoked_at IS NULL')
  const use = db.statement('UPDATE sign_ins SET last_used_at = $at WHERE id = $id')
  const dropEnded = db.statement('DELETE FROM sign_ins WHERE revoked_at < $before')
  const dropForgotten = db.statement(`
    DELETE FROM sign_ins WHERE created_at < $before AND id NOT IN (
      SELECT sign_in_id FROM refresh_tokens WHERE issued_at >= $before)`)

  return {
    list: (clientId) => (clientId === undefined ? all.all() : ofClient.all({ clientId })).map(toSignIn),
    get(id) {
      const row = byId.get({ id })
      return row && toSignIn(row)
    },
    create: ({ clientId, applicantId, hash }) =>
      db.transaction(() => {
        if (!both.get({ clientId, applicantId })) throw new GatewayError('client.unknown')
        const id = runtime.newId()
        const now = runtime.now()
        insert.run({ id, clientId, applicantId, now })
        insertToken.run({ hash, signInId: id, now })
        return { id, clientId, applicantId, createdAt: now, lastUsedAt: null, revokedAt: null }
      }),
    token(hash) {
      const row = tokenByHash.get({ hash })
      return (
        row && {
          signInId: row.sign_in_id,
          issuedAt: row.issued_at,
          usedAt: row.used_at,
          nextHash: row.next_hash,
        }
      )
    },
    rotate: (hash, nextHash) =>
      db.transaction(() => {
        const now = runtime.now()
        const signInId = tokenByHash.get({ hash })?.sign_in_id
        if (signInId === undefined || useToken.run({ hash, nextHash, now }) === 0) return
        insertToken.run({ hash: nextHash, signInId, now })
      }),
    revoke: (id) =>
      db.transaction(() => {
        dropTokens.run({ id })
        return end.run({ id, now: runtime.now() }) > 0
      }),
    touch(id, at) {
      use.run({ id, at })
    },
    expire: (before) =>
      db.transaction(() => {
        dropUsed.run({ before })
        dropEnded.run({ before })
        dropForgotten.run({ before })
      }),
  }
}
