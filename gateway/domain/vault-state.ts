/** Where the key lies that unwraps the data key. */
export type VaultPlace = 'keychain' | 'passphrase' | 'file'

/** Why the vault is not open. */
export type LockReason =
  /** No keychain answers: no service, no session bus. */
  | 'no_keychain'
  /** The keychain is there and locked. */
  | 'keychain_locked'
  /** The keychain has not answered what it was asked: it may be asking a person. It is not asked anew meanwhile. */
  | 'keychain_asks'
  /** A person was asked and said no, or did not come. It is asked again when a person wants it. */
  | 'keychain_refused'
  /** The keychain answers, and has no key for this data folder. */
  | 'key_missing'
  /** What lies in the key's place is not the key of this data folder. */
  | 'key_wrong'
  /** It opens with a passphrase that was not given yet. */
  | 'passphrase'

/**
 * The vault at one moment. `new`: there is no data key yet, because there is no keychain to keep its wrapping key in
 * and nobody chose another place. `keychain` names the service where one is meant.
 */
export type VaultState =
  | { status: 'open'; place: VaultPlace; keychain: string }
  | { status: 'locked'; place: VaultPlace; keychain: string; why: LockReason }
  | {
      status: 'new'
      keychain: string
      why: 'no_keychain' | 'keychain_locked' | 'keychain_asks' | 'keychain_refused'
    }

const others = 'or choose another place with "mcpmux vault use passphrase" (or "insecure")'

const lost =
  'bring the key back, or "mcpmux vault import" an export of this vault; without either, "mcpmux vault reset" starts a new one and secrets are given again'

/** What is so and what a person can do about it; `todo` is null when there is nothing to do. */
export function explainVault(state: VaultState): { what: string; todo: string | null } {
  const { keychain } = state
  if (state.status === 'open')
    switch (state.place) {
      case 'keychain':
        return { what: `open; its key is in the ${keychain}`, todo: null }
      case 'passphrase':
        return { what: 'open; its key follows from a passphrase', todo: null }
      case 'file':
        return {
          what: 'open, INSECURE: its key is a file of the data folder, readable to whoever can copy that folder',
          todo: 'where there is a keychain, "mcpmux vault use keychain"',
        }
    }
  switch (state.why) {
    case 'no_keychain':
      return {
        what: `the ${keychain} does not answer`,
        todo:
          state.status === 'new'
            ? `start it (gnome-keyring or KWallet on Linux), ${others}`
            : 'start it (gnome-keyring or KWallet on Linux); McpMux goes on by itself then',
      }
    case 'keychain_locked':
      return {
        what: `the ${keychain} is locked`,
        todo: 'unlock it; McpMux goes on by itself, or at once with "mcpmux vault unlock"',
      }
    case 'keychain_asks':
      return {
        what: `the ${keychain} has not answered yet: it may be asking you`,
        todo: 'answer what it asks, perhaps behind another window; McpMux goes on by itself then, and asks no second time',
      }
    case 'keychain_refused':
      return {
        what: `the ${keychain} was asked, and access was refused`,
        todo: 'allow it when "mcpmux vault unlock" asks again; nothing asks again by itself',
      }
    case 'key_missing':
      return {
        what:
          state.place === 'file'
            ? 'the key file of the vault is missing from the data folder'
            : `the ${keychain} has no key for this data folder: it was emptied, or the folder comes from elsewhere`,
        todo: lost,
      }
    case 'key_wrong':
      return {
        what: 'the key that was found does not open this data folder',
        todo: lost,
      }
    case 'passphrase':
      return { what: 'waits for its passphrase', todo: 'give it with "mcpmux vault unlock"' }
  }
}
