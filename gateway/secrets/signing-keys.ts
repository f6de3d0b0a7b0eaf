import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { OwnKey } from './vault'

const KEY_BYTES = 32

/** Keys that tokens of one kind are made and known with. */
export interface SigningKeys extends Disposable {
  /** With the key that new tokens are made with, as a copy that is wiped afterwards. */
  withNewest<T>(use: (key: Uint8Array) => Promise<T>): Promise<T>
  /** With one key after the other, until one gives an answer. */
  firstOf<T>(use: (key: Uint8Array) => Promise<T | null>): Promise<T | null>
  /** Where the newest lies: what is made with one in memory is worth nothing after a restart. */
  keyIn(): 'vault' | 'memory'
  /** Forgets the key in memory: nothing that was made with it counts any more. */
  renew(): void
}

/**
 * The key in the vault, and while there is none a random one of this process. What was made with that one counts until
 * the process ends, also after the vault opened; what was made with the vault's counts again when it is open again.
 */
export function createSigningKeys(deps: {
  vaultKey(): OwnKey | null
  runtime: Pick<Runtime, 'randomBytes'>
}): SigningKeys {
  let ofProcess: Uint8Array | null = null

  /** A full disk keeps the vault from making its key; tokens are made all the same. */
  const ofVault = (): Uint8Array | null => {
    try {
      return deps.vaultKey()?.bytes ?? null
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'store.unwritable') return null
      throw error
    }
  }

  /** The vault wipes its own whenever it likes. */
  async function withCopy<T>(key: Uint8Array, use: (copy: Uint8Array) => Promise<T>): Promise<T> {
    const copy = key.slice()
    try {
      return await use(copy)
    } finally {
      copy.fill(0)
    }
  }

  function renew(): void {
    ofProcess?.fill(0)
    ofProcess = null
  }

  return {
    withNewest: (use) => withCopy(ofVault() ?? (ofProcess ??= deps.runtime.randomBytes(KEY_BYTES)), use),
    async firstOf(use) {
      for (const key of [ofVault(), ofProcess]) {
        const found = key && (await withCopy(key, use))
        if (found !== null) return found
      }
      return null
    },
    keyIn: () => (ofVault() ? 'vault' : 'memory'),
    renew,
    [Symbol.dispose]: renew,
  }
}
