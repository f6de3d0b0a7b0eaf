import type { Runtime } from '../runtime'
import { createSigningKeys, type SigningKeys } from '../secrets/signing-keys'
import type { OwnKey } from '../secrets/vault'
import { isSessionOf, signSession } from './session-token'

/** Makes session ids and knows its own again, as long as the keys count that they were signed with. */
export interface SessionKeys extends Disposable, Pick<SigningKeys, 'keyIn' | 'renew'> {
  /** The id of a new session of this client. */
  issue(clientId: string): Promise<string>
  /** Whether we issued this id, and to this client. Never rejects. */
  issued(id: string, clientId: string): Promise<boolean>
}

const JTI_BYTES = 16

export function createSessionKeys(deps: {
  vaultKey(): OwnKey | null
  runtime: Pick<Runtime, 'now' | 'randomBytes'>
}): SessionKeys {
  const { runtime } = deps
  const keys = createSigningKeys(deps)
  return {
    issue: (clientId) =>
      keys.withNewest((key) =>
        signSession(key, {
          clientId,
          jti: Buffer.from(runtime.randomBytes(JTI_BYTES)).toString('base64url'),
          issuedAt: runtime.now(),
        }),
      ),
    async issued(id, clientId) {
      const known = await keys.firstOf(async (key) =>
        (await isSessionOf(clientId, id, key, runtime.now())) ? true : null,
      )
      return known === true
    },
    keyIn: keys.keyIn,
    renew: keys.renew,
    [Symbol.dispose]: () => keys[Symbol.dispose](),
  }
}
