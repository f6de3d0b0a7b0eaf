import type { VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'
import { sealedTables } from './sealed-rows'

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

type Wrapped = Omit<StoredDataKey, 'createdAt' | 'sealed'>

/** A wrapping key by its name; one that follows from a passphrase lies nowhere and is not noted. */
export interface NotedKey {
  place: VaultPlace
  wrappingId: string
}

export interface DataKeyStore {
  /** The one in use; null before there ever was one. */
  active(): StoredDataKey | null
  /** Whether there is a key at all, in use or retired. */
  ever(): boolean
  /** Puts a new key in use; the one before is kept as retired. Nothing is changed when `opens` says no. */
  add(key: Wrapped, opens: (stored: StoredDataKey) => boolean): void
  /**
   * Puts a new key in use and does `reseal`, all of it or nothing. Retired keys that nothing is sealed with any more are
   * removed then, and what wrapped them is noted. Nothing is changed when `opens` says no.
   */
  replace(key: Wrapped, opens: (stored: StoredDataKey) => boolean, reseal: () => void): void
  /** Replaces what wraps the key in use, and notes what wrapped it. Nothing is changed when `opens` says no. */
  rewrap(key: Wrapped, opens: (stored: StoredDataKey) => boolean): void
  /** Notes that a wrapping key may lie in its place from now on. */
  note(key: NotedKey): void
  /** Wrapping keys that were noted and wrap nothing. */
  unused(): NotedKey[]
  /** Takes a note back: nothing lies there any more. */
  strike(wrappingId: string): void
  /** Notes one more envelope made with the active key. False when it may make no more. */
  count(): boolean
  /** A sealed key of the gateway's own. */
  secret(name: string): Uint8Array | null
  putSecret(name: string, keyId: string, envelope: Uint8Array): void
  removeSecret(name: string): void
}

/** A key may make so many envelopes with random nonces (NIST SP 800-38D, 8.3). */
export const MOST_SEALED = 2 ** 32

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
  const any = db.statement('SELECT 1 FROM data_keys LIMIT 1')
  const retire = db.statement('UPDATE data_keys SET active = 0 WHERE active = 1')
  const insert = db.statement(`
    INSERT INTO data_keys (id, active, place, wrapping_id, derivation, wrapped, created_at)
    VALUES ($id, 1, $place, $wrappingId, $derivation, $wrapped, $now)`)
  const rewrap = db.statement(`
    UPDATE data_keys SET place = $place, wrapping_id = $wrappingId, derivation = $derivation, wrapped = $wrapped
    WHERE id = $id AND active = 1`)
  const note = db.statement('INSERT OR IGNORE INTO wrapping_keys VALUES ($wrappingId, $place)')
  const strike = db.statement('DELETE FROM wrapping_keys WHERE wrapping_id = $wrappingId')
  const unused = db.statement<{ wrapping_id: string; place: VaultPlace }>(
    'SELECT * FROM wrapping_keys WHERE wrapping_id NOT IN (SELECT wrapping_id FROM data_keys)',
  )
  const retired = db.statement<Row>(`
    SELECT * FROM data_keys WHERE active = 0 AND id NOT IN (
      ${sealedTables.map(({ table }) => `SELECT key_id FROM ${table} WHERE key_id IS NOT NULL`).join(' UNION ')})`)
  const drop = db.statement('DELETE FROM data_keys WHERE id = $id')
  const count = db.statement(
    `UPDATE data_keys SET sealed = sealed + 1 WHERE active = 1 AND sealed < ${MOST_SEALED}`,
  )
  const secret = db.statement<{ envelope: Uint8Array }>(
    'SELECT envelope FROM vault_secrets WHERE name = $name',
  )
  const putSecret = db.statement('INSERT OR REPLACE INTO vault_secrets VALUES ($name, $keyId, $envelope)')
  const dropSecret = db.statement('DELETE FROM vault_secrets WHERE name = $name')

  function inUse(): StoredDataKey | null {
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
  }

  function noteDown({ place, wrappingId }: NotedKey): void {
    if (place !== 'passphrase') note.run({ place, wrappingId })
  }

  /** What was just stored has to be the key in use, and to open. */
  function prove({ id }: Wrapped, opens: (stored: StoredDataKey) => boolean): void {
    const stored = inUse()
    if (stored?.id !== id || !opens(stored))
      throw new GatewayError('store.unwritable', 'the key of the vault did not come back as it was stored')
  }

  function add(key: Wrapped, opens: (stored: StoredDataKey) => boolean): void {
    const { id, place, wrappingId, derivation, wrapped } = key
    retire.run()
    insert.run({ id, place, wrappingId, derivation, wrapped, now: runtime.now() })
    strike.run({ wrappingId })
    prove(key, opens)
  }

  return {
    active: inUse,
    ever: () => any.get() !== null,
    add: (key, opens) => db.transaction(() => add(key, opens)),
    replace: (key, opens, reseal) =>
      db.transaction(() => {
        add(key, opens)
        reseal()
        for (const { id, place, wrapping_id } of retired.all()) {
          drop.run({ id })
          noteDown({ place, wrappingId: wrapping_id })
        }
      }),
    rewrap: (key, opens) =>
      db.transaction(() => {
        const { id, place, wrappingId, derivation, wrapped } = key
        const before = inUse()
        if (before) noteDown(before)
        rewrap.run({ id, place, wrappingId, derivation, wrapped })
        strike.run({ wrappingId })
        prove(key, opens)
      }),
    note: noteDown,
    unused: () => unused.all().map(({ wrapping_id, place }) => ({ wrappingId: wrapping_id, place })),
    strike: (wrappingId) => {
      strike.run({ wrappingId })
    },
    count: () => count.run() > 0,
    secret: (name) => secret.get({ name })?.envelope ?? null,
    putSecret: (name, keyId, envelope) => {
      putSecret.run({ name, keyId, envelope })
    },
    removeSecret: (name) => {
      dropSecret.run({ name })
    },
  }
}
