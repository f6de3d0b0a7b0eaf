import { GatewayError } from '../../gateway/errors'
import type { Keychain, KeychainReading, KeychainTrouble } from '../../gateway/secrets/keychain'

export interface MemoryKeychain extends Keychain {
  /** What it does from now on; `null` is well. */
  trouble: KeychainTrouble | null
  /** Whether its refusals count as slow: a person may have been asked. */
  slow: boolean
  /** The next writes: `lost` says nothing and stores nothing, `half` stores and then fails, `altered` stores other bytes. */
  writes: 'kept' | 'lost' | 'half' | 'altered'
  /** What is stored; change it to empty it or to exchange a value. */
  entries: Map<string, Uint8Array>
  /** How often it was asked for anything. */
  calls: number
}

/** A keychain for unit tests, well and empty at first. */
export function createMemoryKeychain(): MemoryKeychain {
  const refusal = (trouble: KeychainTrouble) =>
    new GatewayError('keychain.unavailable', `the keychain of a test: ${trouble}`)
  return {
    name: 'keychain of a test',
    trouble: null,
    slow: false,
    writes: 'kept',
    entries: new Map(),
    calls: 0,
    async read(account): Promise<KeychainReading> {
      this.calls += 1
      if (this.trouble)
        return {
          state: 'unavailable',
          reason: this.trouble,
          detail: `the keychain of a test: ${this.trouble}`,
          slow: this.slow,
        }
      const value = this.entries.get(account)
      return value ? { state: 'present', value: value.slice() } : { state: 'absent' }
    },
    async write(account, value) {
      this.calls += 1
      if (this.trouble) throw refusal(this.trouble)
      if (this.writes !== 'lost')
        this.entries.set(account, this.writes === 'altered' ? value.map((byte) => byte ^ 1) : value.slice())
      if (this.writes !== 'kept') throw refusal('error')
    },
    async remove(account) {
      this.calls += 1
      if (this.trouble) throw refusal(this.trouble)
      this.entries.delete(account)
    },
  }
}
