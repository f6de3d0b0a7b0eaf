/** Why a keychain did not answer. `locked` counts a person who was asked and said no. */
export type KeychainTrouble = 'no-service' | 'locked' | 'timeout' | 'error'

/** What the keychain says of one entry; the three are never confused. */
export type KeychainReading =
  /** The reader wipes `value`. */
  | { state: 'present'; value: Uint8Array }
  /** Not a proof that it was never there: see `Keychain.read`. */
  | { state: 'absent' }
  | {
      state: 'unavailable'
      reason: KeychainTrouble
      /** One sentence for a person, without a secret or a path. */
      detail: string
      /** A person may have been asked in between: do not ask again without being told to. */
      slow: boolean
    }

/** The store of the operating system that holds the vault's keys. Every call ends within a few seconds. */
export interface Keychain {
  /** What people call it: `Secret Service`, `macOS Keychain`, `Windows Credential Manager`. */
  readonly name: string
  /**
   * Never throws. `absent` may mean that nothing of this name is in a collection that is locked, which cannot be told
   * without asking a person: it is no licence to make a new key where something sealed with the old one exists.
   */
  read(account: string): Promise<KeychainReading>
  /**
   * Stores and reads back; throws `keychain.unavailable` when either fails or what came back differs. What was thrown
   * for may still come to be stored: a person may agree later than is waited for.
   */
  write(account: string, value: Uint8Array): Promise<void>
  /** Resolves when the entry is gone, or was not there; else throws `keychain.unavailable`. */
  remove(account: string): Promise<void>
}
