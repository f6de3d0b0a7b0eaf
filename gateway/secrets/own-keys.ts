import type { Runtime } from '../runtime'
import type { DataKeyStore } from '../store/data-keys'
import type { Place } from './envelope'

const KEY_BYTES = 32

/**
 * Those that clients hold something of: ids of sessions, of states and of tasks, access tokens, and what follows from a
 * refresh token. With the one of consents these are all there are.
 */
export const clientKeys = ['session', 'access', 'refresh', 'state', 'task'] as const

/** Keys of the gateway's own: made on first use, sealed in the database, wiped with the vault. */
export interface OwnKeys {
  /** The same bytes until `wipe`. Throws as `seal` does. */
  get(name: string): Uint8Array
  /** Forgets them: the next ones are others. */
  renew(names: readonly string[]): void
  wipe(): void
}

const placeOf = (name: string): Place => ({
  table: 'vault_secrets',
  column: 'envelope',
  row: name,
  space: '',
})

export function createOwnKeys(deps: {
  keys: Pick<DataKeyStore, 'secret' | 'putSecret' | 'removeSecret'>
  runtime: Pick<Runtime, 'randomBytes'>
  seal(place: Place, plain: Uint8Array): { keyId: string; envelope: Uint8Array }
  open(place: Place, envelope: Uint8Array): Uint8Array | null
}): OwnKeys {
  const { keys, runtime, seal, open } = deps
  const known = new Map<string, Uint8Array>()

  function readOrMake(name: string): Uint8Array {
    const stored = keys.secret(name)
    const opened = stored && open(placeOf(name), stored)
    if (opened?.length === KEY_BYTES) return opened
    const bytes = runtime.randomBytes(KEY_BYTES)
    const { keyId, envelope } = seal(placeOf(name), bytes)
    keys.putSecret(name, keyId, envelope)
    return bytes
  }

  return {
    get(name) {
      const bytes = known.get(name) ?? readOrMake(name)
      known.set(name, bytes)
      return bytes
    },
    renew(names) {
      for (const name of names) {
        keys.removeSecret(name)
        known.get(name)?.fill(0)
        known.delete(name)
      }
    },
    wipe() {
      for (const bytes of known.values()) bytes.fill(0)
      known.clear()
    },
  }
}
