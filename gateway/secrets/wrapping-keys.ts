// The key that wraps the data key, and the three places it may lie in: the keychain, a passphrase, a file.
import { join } from 'node:path'
import type { LockReason, VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { readKeyFile, removeKeyFile, writeKeyFile } from './key-file'
import type { Keychain, KeychainReading } from './keychain'
import { deriveKey, newDerivation } from './passphrase'
import type { Secret } from './secret'

const KEY_BYTES = 32

/** Which wrapping key is meant. */
export interface WrappingName {
  place: VaultPlace
  /** 16 hex digits. */
  wrappingId: string
  derivation: string | null
}

export type FoundKey = { key: Uint8Array } | { why: LockReason }

/** Wrapping keys by place. Whoever gets a key wipes it. */
export interface WrappingKeys {
  find(name: WrappingName, passphrase: Secret | null): Promise<FoundKey>
  /** A name for a key that is not made yet. */
  plan(place: VaultPlace): WrappingName
  /**
   * Makes a new key and keeps it in its place. Throws `keychain.unavailable`, `store.unwritable`, `input.invalid`; it
   * may lie in its place all the same then.
   */
  make(name: WrappingName, passphrase: Secret | null): Promise<Uint8Array>
  /** Lets go of one that wraps nothing. Never throws; true when it surely lies there no more. */
  forget(name: Pick<WrappingName, 'place' | 'wrappingId'>): Promise<boolean>
}

function reasonOf({ reason, slow }: Extract<KeychainReading, { state: 'unavailable' }>): LockReason {
  if (reason === 'locked') return slow ? 'keychain_refused' : 'keychain_locked'
  return reason === 'timeout' && slow ? 'keychain_asks' : 'no_keychain'
}

const account = (wrappingId: string): string => `vault-${wrappingId}`

export function createWrappingKeys(deps: {
  keychain: Keychain
  dataDir: string
  runtime: Pick<Runtime, 'randomBytes'>
}): WrappingKeys {
  const { keychain, dataDir, runtime } = deps
  const fileOf = (wrappingId: string) => join(dataDir, `vault-${wrappingId}.key`)
  const usable = (key: Uint8Array | null): FoundKey =>
    key?.length === KEY_BYTES ? { key } : { why: key ? 'key_wrong' : 'key_missing' }

  async function inKeychain(wrappingId: string): Promise<FoundKey> {
    const reading = await keychain.read(account(wrappingId))
    switch (reading.state) {
      case 'present':
        return usable(reading.value)
      case 'absent':
        return { why: 'key_missing' }
      case 'unavailable':
        return { why: reasonOf(reading) }
    }
  }

  return {
    async find({ place, wrappingId, derivation }, passphrase) {
      switch (place) {
        case 'keychain':
          return inKeychain(wrappingId)
        case 'file':
          return usable(readKeyFile(fileOf(wrappingId)))
        case 'passphrase': {
          if (!passphrase) return { why: 'passphrase' }
          const key = await deriveKey(passphrase, derivation ?? '')
          return key ? { key } : { why: 'key_wrong' }
        }
      }
    },
    plan: (place) => ({
      place,
      wrappingId: Buffer.from(runtime.randomBytes(8)).toString('hex'),
      derivation: place === 'passphrase' ? newDerivation(runtime.randomBytes(16)) : null,
    }),
    async make({ place, wrappingId, derivation }, passphrase) {
      if (place === 'passphrase') {
        if (!passphrase || passphrase.reveal().length < 8)
          throw new GatewayError('input.invalid', 'a passphrase has 8 characters or more')
        const derived = await deriveKey(passphrase, derivation ?? '')
        if (!derived) throw new GatewayError('internal', 'no key could be derived')
        return derived
      }
      const key = runtime.randomBytes(KEY_BYTES)
      try {
        if (place === 'keychain') await keychain.write(account(wrappingId), key)
        else writeKeyFile(fileOf(wrappingId), key)
      } catch (cause) {
        key.fill(0)
        if (place === 'keychain') throw cause
        throw new GatewayError('store.unwritable', 'the key file of the vault', { cause })
      }
      return key
    },
    async forget({ place, wrappingId }) {
      try {
        if (place === 'keychain') await keychain.remove(account(wrappingId))
        if (place === 'file') removeKeyFile(fileOf(wrappingId))
        return true
      } catch {
        return false
      }
    },
  }
}
