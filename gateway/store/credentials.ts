import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

/** One secret of one Server in one Space, encrypted: this store never sees what is inside. */
export interface StoredCredential {
  serverId: string
  spaceId: string
  /** What it is of the server: an input's id, a token's name. */
  name: string
  /** Which key opens the envelope. */
  keyId: string
  envelope: Uint8Array
  updatedAt: number
}

export interface CredentialStore {
  get(serverId: string, name: string): StoredCredential | null
  list(serverId: string): StoredCredential[]
  /** Replaces an older one of the same name. Throws `server.unknown` when the server is not in that Space. */
  put(credential: Omit<StoredCredential, 'updatedAt'>): void
  remove(serverId: string, name: string): void
}

interface Row {
  server_id: string
  space_id: string
  name: string
  key_id: string
  envelope: Uint8Array
  updated_at: number
}

const toCredential = (row: Row): StoredCredential => ({
  serverId: row.server_id,
  spaceId: row.space_id,
  name: row.name,
  keyId: row.key_id,
  envelope: row.envelope,
  updatedAt: row.updated_at,
})

/** Encrypted credentials of all servers. */
export function createCredentialStore(db: Database, runtime: Pick<Runtime, 'now'>): CredentialStore {
  const one = db.statement<Row>('SELECT * FROM credentials WHERE server_id = $serverId AND name = $name')
  const ofServer = db.statement<Row>('SELECT * FROM credentials WHERE server_id = $serverId ORDER BY name')
  const server = db.statement('SELECT 1 FROM servers WHERE id = $serverId AND space_id = $spaceId')
  const put = db.statement(`
    INSERT OR REPLACE INTO credentials (server_id, space_id, name, key_id, envelope, updated_at)
    VALUES ($serverId, $spaceId, $name, $keyId, $envelope, $updatedAt)`)
  const drop = db.statement('DELETE FROM credentials WHERE server_id = $serverId AND name = $name')

  return {
    get(serverId, name) {
      const row = one.get({ serverId, name })
      return row && toCredential(row)
    },
    list: (serverId) => ofServer.all({ serverId }).map(toCredential),
    put: ({ serverId, spaceId, name, keyId, envelope }) =>
      db.transaction(() => {
        if (!server.get({ serverId, spaceId })) throw new GatewayError('server.unknown')
        // Later than the one before, whatever the clock says: the time tells two values apart.
        const updatedAt = Math.max(runtime.now(), (one.get({ serverId, name })?.updated_at ?? 0) + 1)
        put.run({ serverId, spaceId, name, keyId, envelope, updatedAt })
      }),
    remove: (serverId, name) => {
      drop.run({ serverId, name })
    },
  }
}
