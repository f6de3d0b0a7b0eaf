import type { VaultPlace } from '../domain/vault-state'
import type { Runtime } from '../runtime'
import type { Database } from './database'

/** The key that seals fields, as it is stored: wrapped with one that is not in this file. */
export interface StoredDataKey {
  id: string
  place: VaultPlace
  /** Names the wrapping key in its place. */
  wrappingId: string
  /** How the wrapping key follows from a passphrase, JSON; null elsewhere. */
  derivation: string | null
  wrapped: Uint8Array
  /** How many envelopes it made. */
  sealed: number
  createdAt: number
}

export interface DataKeyStore {
  /** The one in use; null before there ever was one. */
  active(): StoredDataKey | null
  /** Puts a new key in use; the one before is kept as retired. */
  add(key: Omit<StoredDataKey, 'createdAt' | 'sealed'>): void
  /** Replaces what wraps a key. */
  rewrap(key: Pick<StoredDataKey, 'id' | 'place' | 'wrappingId' | 'derivation' | 'wrapped'>): void
  /** Notes one more envelope made with the active key. */
  count(): void
  /** A sealed key of the gateway's own. */
  secret(name: string): Uint8Array | null
  putSecret(name: string, keyId: string, envelope: Uint8Array): void
}

interface Row {
  id: string
  place: VaultPlace
  wrapping_id: string
  derivation: string | null
  wrapped: Uint8Array
  sealed: number
  created_at: number
}

/** The vault's own rows. */
export function createDataKeyStore(db: Database, runtime: Pick<Runtime, 'now'>): DataKeyStore {
  const active = db.statement<Row>('SELECT * FROM data_keys WHERE active = 1')
  const retire = db.statement('UPDATE data_keys SET active = 0 WHERE active = 1')
  const insert = db.statement(`
    INSERT INTO data_keys (id, active, place, wrapping_id, derivation, wrapped, created_at)
    VALUES ($id, 1, $place, $wrappingId, $derivation, $wrapped, $now)`)
  const rewrap = db.statement(`
    UPDATE data_keys SET place = $place, wrapping_id = $wrappingId, derivation = $derivation, wrapped = $wrapped
    WHERE id = $id`)
  const count = db.statement('UPDATE data_keys SET sealed = sealed + 1 WHERE active = 1')
  const secret = db.statement<{ envelope: Uint8Array }>(
    'SELECT envelope FROM vault_secrets WHERE name = $name',
  )
  const putSecret = db.statement('INSERT OR REPLACE INTO vault_secrets VALUES ($name, $keyId, $envelope)')

  return {
    active() {
      const row = active.get()
      return (
        row && {
          id: row.id,
          place: row.place,
          wrappingId: row.wrapping_id,
          derivation: row.derivation,
          wrapped: row.wrapped,
          sealed: row.sealed,
          createdAt: row.created_at,
        }
      )
    },
    add: ({ id, place, wrappingId, derivation, wrapped }) =>
      db.transaction(() => {
        retire.run()
        insert.run({ id, place, wrappingId, derivation, wrapped, now: runtime.now() })
      }),
    rewrap: ({ id, place, wrappingId, derivation, wrapped }) => {
      rewrap.run({ id, place, wrappingId, derivation, wrapped })
    },
    count: () => {
      count.run()
    },
    secret: (name) => secret.get({ name })?.envelope ?? null,
    putSecret: (name, keyId, envelope) => {
      putSecret.run({ name, keyId, envelope })
    },
  }
}
