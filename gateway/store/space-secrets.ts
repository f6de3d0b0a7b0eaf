import type { Runtime } from '../runtime'
import type { Database } from './database'

/** One secret of a Space, encrypted: this store never sees what is inside. */
export interface StoredSpaceSecret {
  spaceId: string
  name: string
  /** Which key opens the envelope. */
  keyId: string
  envelope: Uint8Array
  updatedAt: number
}

export interface SpaceSecretStore {
  get(spaceId: string, name: string): StoredSpaceSecret | null
  /** By name. */
  list(spaceId: string): StoredSpaceSecret[]
  /** Replaces an older one of the same name. */
  put(secret: Omit<StoredSpaceSecret, 'updatedAt'>): void
  /** False when there was none. */
  remove(spaceId: string, name: string): boolean
}

interface Row {
  space_id: string
  name: string
  key_id: string
  envelope: Uint8Array
  updated_at: number
}

const toSecret = (row: Row): StoredSpaceSecret => ({
  spaceId: row.space_id,
  name: row.name,
  keyId: row.key_id,
  envelope: row.envelope,
  updatedAt: row.updated_at,
})

/** Encrypted secrets that servers of a Space refer to by name. */
export function createSpaceSecretStore(db: Database, runtime: Pick<Runtime, 'now'>): SpaceSecretStore {
  const one = db.statement<Row>('SELECT * FROM space_secrets WHERE space_id = $spaceId AND name = $name')
  const all = db.statement<Row>('SELECT * FROM space_secrets WHERE space_id = $spaceId ORDER BY name')
  const put = db.statement(`
    INSERT OR REPLACE INTO space_secrets (space_id, name, key_id, envelope, updated_at)
    VALUES ($spaceId, $name, $keyId, $envelope, $updatedAt)`)
  const drop = db.statement('DELETE FROM space_secrets WHERE space_id = $spaceId AND name = $name')

  return {
    get(spaceId, name) {
      const row = one.get({ spaceId, name })
      return row && toSecret(row)
    },
    list: (spaceId) => all.all({ spaceId }).map(toSecret),
    put: ({ spaceId, name, keyId, envelope }) =>
      db.transaction(() => {
        // Later than the one before, whatever the clock says: the time tells two values apart.
        const updatedAt = Math.max(runtime.now(), (one.get({ spaceId, name })?.updated_at ?? 0) + 1)
        put.run({ spaceId, name, keyId, envelope, updatedAt })
      }),
    remove: (spaceId, name) => drop.run({ spaceId, name }) > 0,
  }
}
