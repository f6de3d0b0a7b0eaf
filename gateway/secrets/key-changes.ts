// How the open vault gets other keys: the wrapping key elsewhere or another one, and another data key under it.
import type { VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import type { DataKeyStore, StoredDataKey } from '../store/data-keys'
import type { SealedRowStore } from '../store/sealed-rows'
import type { DataKey } from './data-key'
import type { SealingKey } from './envelope'
import { type Resealed, resealAll } from './reseal'
import type { Secret } from './secret'
import type { WrappingKeys, WrappingName } from './wrapping-keys'

/** A data key that sealed so many values is replaced at the next unlock: half of what it may (NIST SP 800-38D, 8.3). */
const WORN = 2 ** 31

const none: Resealed = { resealed: 0, left: [] }

/** One of these at a time. What a change no longer needs is removed from its place, if that can be done now. */
export interface KeyChanges {
  /** Keeps the wrapping key elsewhere; see `Vault.moveTo`. */
  move(row: StoredDataKey, place: VaultPlace, passphrase: Secret | null): Promise<void>
  /** See `Vault.rotate`. */
  rotate(what: 'wrapping' | 'data', passphrase: Secret | null): Promise<Resealed>
  /** Replaces a data key that sealed too much. Never throws: where it cannot be done now, the next unlock tries again. */
  replaceWorn(row: StoredDataKey, passphrase: Secret | null): Promise<void>
}

export function createKeyChanges(deps: {
  keys: DataKeyStore
  rows: SealedRowStore
  wrapping: WrappingKeys
  dataKey: DataKey
  /** The data key as it is now. Throws when the vault is not open. */
  current(): SealingKey
  /** For one envelope with the key in use. */
  newNonce(): Uint8Array
  /** The data key in use is another one; the bytes are the taker's. */
  taken(made: SealingKey): void
  /** The wrapping key in use is in this place. */
  placed(place: VaultPlace): void
}): KeyChanges {
  const { keys, rows, wrapping, dataKey, current, newNonce, taken, placed } = deps

  const tidy = () => dataKey.tidy().catch(() => undefined)

  async function rewrap(name: WrappingName, passphrase: Secret | null): Promise<void> {
    await dataKey.move(name, passphrase, current)
    placed(name.place)
    await tidy()
  }

  async function replace(name: WrappingName, passphrase: Secret | null): Promise<Resealed> {
    let done = none
    await dataKey.replace(name, passphrase, {
      current,
      reseal: (from, to) => {
        done = resealAll(rows, from, to, newNonce)
      },
      take: taken,
    })
    placed(name.place)
    await tidy()
    return done
  }

  /** A new wrapping key follows from the passphrase there is, and from no other: one mistyped would lock everybody out. */
  async function requirePassphrase(row: StoredDataKey, passphrase: Secret | null): Promise<void> {
    if (row.place !== 'passphrase') return
    const found = await dataKey.unwrap(row, passphrase)
    if (!('bytes' in found)) throw new GatewayError('vault.passphrase')
    found.bytes.fill(0)
  }

  return {
    async move(row, place, passphrase) {
      const name = wrapping.plan(place)
      // Whoever copied the folder has what the file wrapped.
      if (row.place === 'file' && place !== 'file') await replace(name, passphrase)
      else await rewrap(name, passphrase)
    },
    async rotate(what, passphrase) {
      current()
      const row = keys.active()
      if (!row) throw new GatewayError('vault.locked')
      await requirePassphrase(row, passphrase)
      const name = wrapping.plan(row.place)
      if (what === 'data') return replace(name, passphrase)
      await rewrap(name, passphrase)
      return none
    },
    async replaceWorn(row, passphrase) {
      if (row.sealed < WORN) return
      await replace(wrapping.plan(row.place), passphrase).catch(() => undefined)
    },
  }
}
