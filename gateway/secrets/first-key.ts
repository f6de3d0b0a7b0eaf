import type { VaultState } from '../domain/vault-state'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { WrappingKeys, WrappingName } from './wrapping-keys'

/** What takes longer than a program needs is a person's. */
const PERSON_MS = 1000
/** An entry that nobody made: to see whether the keychain answers. */
const NO_ENTRY = { place: 'keychain', wrappingId: '0'.repeat(16), derivation: null } as const

type NotYet = Extract<VaultState, { status: 'new' }>['why']

/**
 * Makes the first key of a data folder in the keychain; answers null when it did, else why it could not. While a person
 * may be thinking about it, a further call only looks what became of it, and asks nobody.
 */
export function createFirstKey(deps: {
  wrapping: WrappingKeys
  runtime: Pick<Runtime, 'monotonic'>
  /** Throws `keychain.unavailable`. */
  mint(name: WrappingName): Promise<unknown>
}): () => Promise<NotYet | null> {
  const { wrapping, runtime, mint } = deps
  /** One name, however often the keychain refuses it. */
  const name = wrapping.plan('keychain')
  let asked = false

  return async () => {
    const was = asked
    // An entry that is not there asks nobody, nor does one that was stored since.
    const probe = await wrapping.find(was ? name : NO_ENTRY, null)
    const why = 'why' in probe ? probe.why : null
    if ('key' in probe) probe.key.fill(0)
    asked = was && why === 'keychain_asks'
    if (why === 'no_keychain' || why === 'keychain_asks') return why
    if (was && why !== null) return 'keychain_refused'
    const before = runtime.monotonic()
    try {
      await mint(name)
      return null
    } catch (thrown) {
      if (!(thrown instanceof GatewayError) || thrown.code !== 'keychain.unavailable') throw thrown
      asked = runtime.monotonic() - before > PERSON_MS
      // What answers and takes nothing is locked.
      return asked ? 'keychain_asks' : 'keychain_locked'
    }
  }
}
