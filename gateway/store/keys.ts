import type { AccessKey } from '../domain/client'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

export interface KeyStore {
  /** All keys, revoked and expired ones too, or those of one client. */
  list(clientId?: string): AccessKey[]
  /** `hash` is the SHA-256 of the key (32 bytes); the key itself never comes here. Throws `client.unknown`. */
  create(input: {
    clientId: string
    hash: Uint8Array
    hint: string
    expiresAt: number | null
    label?: string | null
  }): AccessKey
  /** Also finds revoked and expired keys: whether one still counts is for the caller to say. */
  findByHash(hash: Uint8Array): AccessKey | null
  /** Throws `key.unknown`. */
  get(id: string): AccessKey
  /** Idempotent: the first time stays. Throws `key.unknown`. */
  revoke(id: string): void
  /** Throws `key.unknown`. */
  update(id: string, patch: Partial<Pick<AccessKey, 'label' | 'expiresAt' | 'replacedBy'>>): AccessKey
  /** The key was used. A durable write each time, so callers space them out. */
  touch(id: string, at: number): void
}

interface Row {
  id: string
  client_id: string
  hint: string
  created_at: number
  expires_at: number | null
  last_used_at: number | null
  revoked_at: number | null
  label: string | null
  replaced_by: string | null
}

const toKey = (row: Row): AccessKey => ({
  id: row.id,
  clientId: row.client_id,
  hint: row.hint,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
  label: row.label,
  replacedBy: row.replaced_by,
})

/** Access keys of all clients. */
export function createKeyStore(db: Database, runtime: Pick<Runtime, 'now' | 'newId'>): KeyStore {
  const columns = 'id, client_id, hint, created_at, expires_at, last_used_at, revoked_at, label, replaced_by'
  const all = db.statement<Row>(`SELECT ${columns} FROM access_keys ORDER BY created_at, id`)
  const ofClient = db.statement<Row>(
    `SELECT ${columns} FROM access_keys WHERE client_id = $clientId ORDER BY created_at, id`,
  )
  const byId = db.statement<Row>(`SELECT ${columns} FROM access_keys WHERE id = $id`)
  const byHash = db.statement<Row>(`SELECT ${columns} FROM access_keys WHERE hash = $hash`)
  const client = db.statement('SELECT 1 FROM clients WHERE id = $clientId')
  const insert = db.statement(`
    INSERT INTO access_keys (id, client_id, hash, hint, created_at, expires_at, label)
    VALUES ($id, $clientId, $hash, $hint, $createdAt, $expiresAt, $label)`)
  const markRevoked = db.statement(
    'UPDATE access_keys SET revoked_at = coalesce(revoked_at, $now) WHERE id = $id',
  )
  const change = db.statement(
    'UPDATE access_keys SET label = $label, expires_at = $expiresAt, replaced_by = $replacedBy WHERE id = $id',
  )
  const use = db.statement('UPDATE access_keys SET last_used_at = $at WHERE id = $id')

  const get = (id: string): AccessKey => {
    const row = byId.get({ id })
    if (!row) throw new GatewayError('key.unknown')
    return toKey(row)
  }

  return {
    list: (clientId) => (clientId === undefined ? all.all() : ofClient.all({ clientId })).map(toKey),
    create: ({ clientId, hash, hint, expiresAt, label = null }) =>
      db.transaction(() => {
        if (!client.get({ clientId })) throw new GatewayError('client.unknown')
        const id = runtime.newId()
        insert.run({ id, clientId, hash, hint, createdAt: runtime.now(), expiresAt, label })
        return get(id)
      }),
    findByHash(hash) {
      const row = byHash.get({ hash })
      return row && toKey(row)
    },
    get,
    revoke(id) {
      if (markRevoked.run({ id, now: runtime.now() }) === 0) throw new GatewayError('key.unknown')
    },
    update: (id, patch) =>
      db.transaction(() => {
        const { label, expiresAt, replacedBy } = { ...get(id), ...patch }
        change.run({ id, label, expiresAt, replacedBy })
        return get(id)
      }),
    touch: (id, at) => {
      use.run({ id, at })
    },
  }
}
