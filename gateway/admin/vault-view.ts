import { explainVault, type VaultState } from '../domain/vault-state'
import type { AdminDeps } from './deps'

/** The vault at one moment, with the words for it. */
export interface VaultView {
  state: VaultState
  what: string
  /** What a person can do about it; null when there is nothing to do. */
  todo: string | null
  /** How many values were sealed with the key in use. */
  sealed: number
}

export function vaultView({ vault, dataKeys }: Pick<AdminDeps, 'vault' | 'dataKeys'>): VaultView {
  const state = vault.state()
  return { state, ...explainVault(state), sealed: dataKeys.active()?.sealed ?? 0 }
}
