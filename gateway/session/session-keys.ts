import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { OwnKey } from '../secrets/vault'
import { isSessionOf, signSession } from './session-token'

/** Makes session ids and knows its own again. */
export interface SessionKeys extends Disposable {
  /** The id of a new session of this client. */
  issue(clientId: string): Promise<string>
  /** Whether we issued this id, and to this client. Never rejects. */
  issued(id: string, clientId: string): Promise<boolean>
  /** Where the key lies that a new id is signed with: ids signed in memory are worth nothing after a restart. */
  keyIn(): 'vault' | 'memory'
}

const KEY_BYTES = 32
const JTI_BYTES = 16

/** With a copy of the key, because the vault wipes its own whenever it likes. */
async function withCopy<T>(key: Uint8Array, use: (copy: Uint8Array) => Promise<T>): Promise<T> {
  const copy = key.slice()
  try {
    return await use(copy)
  } finally {
    copy.fill(0)
  }
}

/**
 * Signs with the key in the vault, and while there is none with a random one of this process. What was signed with that
 * one counts until the process ends, also after the vault opened.
 */
export function createSessionKeys(deps: {
  vaultKey(): OwnKey | null
  runtime: Pick<Runtime, 'now' | 'randomBytes'>
}): SessionKeys {
  const { runtime } = deps
  let ofProcess: Uint8Array | null = null

  /** A full disk keeps the vault from making its key; sessions are opened all the same. */
  const ofVault = (): Uint8Array | null => {
    try {
      return deps.vaultKey()?.bytes ?? null
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'store.unwritable') return null
      throw error
    }
  }
  const own = (): Uint8Array => (ofProcess ??= runtime.randomBytes(KEY_BYTES))

  return {
    issue: (clientId) =>
      withCopy(ofVault() ?? own(), (key) =>
        signSession(key, {
          clientId,
          jti: Buffer.from(runtime.randomBytes(JTI_BYTES)).toString('base64url'),
          issuedAt: runtime.now(),
        }),
      ),
    async issued(id, clientId) {
      for (const key of [ofVault(), ofProcess])
        if (key && (await withCopy(key, (copy) => isSessionOf(clientId, id, copy, runtime.now()))))
          return true
      return false
    },
    keyIn: () => (ofVault() ? 'vault' : 'memory'),
    [Symbol.dispose]() {
      ofProcess?.fill(0)
      ofProcess = null
    },
  }
}
