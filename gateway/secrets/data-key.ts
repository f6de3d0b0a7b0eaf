// The data key between its wrapping keys: made, unwrapped, and moved from one to the next. Whatever ends the program in
// between, the row in use can be opened, and what lies in a place for nothing is noted.
import type { LockReason, VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { DataKeyStore, StoredDataKey } from '../store/data-keys'
import { openEnvelope, type Place, type SealingKey, sealEnvelope } from './envelope'
import type { Secret } from './secret'
import type { WrappingKeys, WrappingName } from './wrapping-keys'

const KEY_BYTES = 32

export interface DataKey {
  /** The data key of a row, or why not. The caller wipes it. */
  unwrap(row: StoredDataKey, passphrase: Secret | null): Promise<{ bytes: Uint8Array } | { why: LockReason }>
  /** A new data key in use, under a new wrapping key. `goOn` throws when it is not wanted any more. */
  mint(name: WrappingName, passphrase: Secret | null, goOn: () => void): Promise<SealingKey>
  /**
   * Wraps the data key with a new wrapping key. `current` gives the data key as it is at that moment, or throws: it may
   * have been wiped while the new place was waited for.
   */
  move(name: WrappingName, passphrase: Secret | null, current: () => SealingKey): Promise<void>
  /** A new data key under a new wrapping key, in the place of the one in use. */
  replace(name: WrappingName, passphrase: Secret | null, steps: Replacement): Promise<void>
  /** Removes wrapping keys that wrap nothing from their places. Stops at a keychain that refuses. */
  tidy(): Promise<void>
}

/** What is done when a data key takes the place of another; nothing is waited for from the first step to the last. */
export interface Replacement {
  /** The data key as it is at that moment. Throws when there is none. */
  current(): SealingKey
  /** Within the transaction: what throws here leaves everything as it was. */
  reseal(from: SealingKey, to: SealingKey): void
  /** It is stored. The bytes are the caller's from now on. */
  take(made: SealingKey): void
}

const wrappedPlace = (id: string): Place => ({ table: 'data_keys', column: 'wrapped', row: id, space: '' })

export function createDataKey(deps: {
  keys: DataKeyStore
  wrapping: WrappingKeys
  runtime: Pick<Runtime, 'randomBytes'>
}): DataKey {
  const { keys, wrapping, runtime } = deps

  /** Makes a wrapping key, sees that its place gives it back, and stores with that one. What fails leaves its note. */
  async function underNew(
    name: WrappingName,
    passphrase: Secret | null,
    store: (wrappingKey: SealingKey) => void,
  ): Promise<void> {
    keys.note(name)
    const made = await wrapping.make(name, passphrase)
    try {
      const found = await wrapping.find(name, passphrase)
      if (!('key' in found)) throw notGivenBack(name.place)
      try {
        if (Buffer.compare(found.key, made) !== 0) throw notGivenBack(name.place)
        store({ id: name.wrappingId, bytes: found.key })
      } finally {
        found.key.fill(0)
      }
    } finally {
      made.fill(0)
    }
  }

  const wrap = (wrappingKey: SealingKey, { id, bytes }: SealingKey): Uint8Array =>
    sealEnvelope(wrappingKey, wrappedPlace(id), bytes, runtime.randomBytes(12))

  /** Whether a stored row gives back exactly this data key. */
  const opensTo = (wrappingKey: SealingKey, dataKey: SealingKey) => (stored: StoredDataKey) => {
    const bytes = openEnvelope(wrappingKey, wrappedPlace(stored.id), stored.wrapped)
    const same = bytes !== null && Buffer.compare(bytes, dataKey.bytes) === 0
    bytes?.fill(0)
    return same && stored.wrappingId === wrappingKey.id
  }

  const newKey = (): SealingKey => ({
    id: Buffer.from(runtime.randomBytes(8)).toString('hex'),
    bytes: runtime.randomBytes(KEY_BYTES),
  })

  return {
    async unwrap(row, passphrase) {
      const found = await wrapping.find(row, passphrase)
      if ('why' in found) return found
      const bytes = openEnvelope({ id: row.wrappingId, bytes: found.key }, wrappedPlace(row.id), row.wrapped)
      found.key.fill(0)
      return bytes?.length === KEY_BYTES ? { bytes } : { why: 'key_wrong' as const }
    },
    async mint(name, passphrase, goOn) {
      const dataKey = newKey()
      try {
        await underNew(name, passphrase, (wrappingKey) => {
          goOn()
          const wrapped = wrap(wrappingKey, dataKey)
          keys.add({ id: dataKey.id, ...name, wrapped }, opensTo(wrappingKey, dataKey))
        })
      } catch (thrown) {
        dataKey.bytes.fill(0)
        throw thrown
      }
      return dataKey
    },
    move: (name, passphrase, current) =>
      // From `current` to the stored row nothing is waited for, so that nothing can wipe the key in between.
      underNew(name, passphrase, (wrappingKey) => {
        const dataKey = current()
        const wrapped = wrap(wrappingKey, dataKey)
        keys.rewrap({ id: dataKey.id, ...name, wrapped }, opensTo(wrappingKey, dataKey))
      }),
    async replace(name, passphrase, { current, reseal, take }) {
      const made = newKey()
      let taken = false
      try {
        await underNew(name, passphrase, (wrappingKey) => {
          const before = current()
          const wrapped = wrap(wrappingKey, made)
          keys.replace({ id: made.id, ...name, wrapped }, opensTo(wrappingKey, made), () =>
            reseal(before, made),
          )
          taken = true
          take(made)
        })
      } finally {
        if (!taken) made.bytes.fill(0)
      }
    },
    async tidy() {
      let refused = false
      for (const { place, wrappingId } of keys.unused()) {
        if (refused && place === 'keychain') continue
        if (await wrapping.forget({ place, wrappingId })) keys.strike(wrappingId)
        else refused ||= place === 'keychain'
      }
    },
  }
}

const notGivenBack = (place: VaultPlace): GatewayError => {
  if (place === 'keychain')
    return new GatewayError('keychain.unavailable', 'it did not give back what was stored')
  return place === 'file'
    ? new GatewayError('store.unwritable', 'the key file of the vault did not come back as it was stored')
    : new GatewayError('internal', 'a passphrase led to two different keys')
}
