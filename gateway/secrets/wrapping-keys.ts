// The key that wraps the data key, and the three places it may lie in: the keychain, a passphrase, a file.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { LockReason, VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { readKeyFile, writeKeyFile } from './key-file'
import type { Keychain } from './keychain'
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

export type FoundKey =
  | { key: Uint8Array }
  /** `bothered`: somebody may have been asked and said no, so it is not to be asked again unbidden. */
  | { why: LockReason; bothered: boolean }

/** Wrapping keys by place. Whoever gets a key wipes it. */
export interface WrappingKeys {
  find(name: WrappingName, passphrase: Secret | null): Promise<FoundKey>
  /** Makes a new key and keeps it in its place. Throws `keychain.unavailable`, `store.unwritable`, `input.invalid`. */
  make(place: VaultPlace, passphrase: Secret | null): Promise<{ name: WrappingName; key: Uint8Array }>
  /** Lets go of one that wraps nothing any more. Never throws: what stays opens nothing. */
  forget(name: WrappingName): Promise<void>
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
    key?.length === KEY_BYTES ? { key } : { why: key ? 'key_wrong' : 'key_missing', bothered: false }

  async function inKeychain(wrappingId: string): Promise<FoundKey> {
    const reading = await keychain.read(account(wrappingId))
    switch (reading.state) {
      case 'present':
        return usable(reading.value)
      case 'absent':
        return { why: 'key_missing', bothered: false }
      case 'unavailable':
        return {
          why: reading.reason === 'locked' ? 'keychain_locked' : 'no_keychain',
          bothered: reading.slow && reading.reason === 'locked',
        }
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
          if (!passphrase) return { why: 'passphrase', bothered: false }
          const key = await deriveKey(passphrase, derivation ?? '')
          return key ? { key } : { why: 'key_wrong', bothered: false }
        }
      }
    },
    async make(place, passphrase) {
      const wrappingId = Buffer.from(runtime.randomBytes(8)).toString('hex')
      if (place === 'passphrase') {
        if (!passphrase || passphrase.reveal().length < 8)
          throw new GatewayError('input.invalid', 'a passphrase has 8 characters or more')
        const derivation = newDerivation(runtime.randomBytes(16))
        const derived = await deriveKey(passphrase, derivation)
        if (!derived) throw new GatewayError('internal', 'no key could be derived')
        return { name: { place, wrappingId, derivation }, key: derived }
      }
      const key = runtime.randomBytes(KEY_BYTES)
      const name = { place, wrappingId, derivation: null }
      if (place === 'keychain') await keychain.write(account(wrappingId), key)
      else {
        try {
          writeKeyFile(fileOf(wrappingId), key)
        } catch (cause) {
          throw new GatewayError('store.unwritable', 'the key file of the vault', { cause })
        }
      }
      return { name, key }
    },
    async forget({ place, wrappingId }) {
      if (place === 'keychain') await keychain.remove(account(wrappingId)).catch(() => undefined)
      if (place === 'file') rmSync(fileOf(wrappingId), { force: true })
    },
  }
}
