import { explainVault, type LockReason, type VaultState } from '../domain/vault-state'
import { Secret } from '../secrets/secret'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { VaultMove, VaultUnlock } from './schemas'

/** The vault at one moment, with the words for it. */
export interface VaultView {
  state: VaultState
  what: string
  /** What a person can do about it; null when there is nothing to do. */
  todo: string | null
  /** How many values were sealed with the key in use. */
  sealed: number
}

/** `VaultView`, and whether the key is where it should be right now: null when it is, or when nobody can look. */
export interface VaultCheck extends VaultView {
  keyMissing: LockReason | null
}

export function vaultView({ vault, dataKeys }: Pick<AdminDeps, 'vault' | 'dataKeys'>): VaultView {
  const state = vault.state()
  return { state, ...explainVault(state), sealed: dataKeys.active()?.sealed ?? 0 }
}

const given = (passphrase: string | undefined): Secret | null =>
  passphrase === undefined ? null : new Secret(passphrase)

/** The vault: what keeps the secrets of servers. */
export const vaultRoutes = (deps: AdminDeps) => {
  const { vault, record } = deps
  return resource('/vault')
    .get('/', async (): Promise<VaultCheck> => {
      const keyMissing = await vault.check()
      return { ...vaultView(deps), keyMissing }
    })
    .post(
      '/unlock',
      async ({ body, request }) => {
        await vault.unlock(given(body.passphrase))
        record(request, { action: 'vault.unlocked' })
        return vaultView(deps)
      },
      { body: VaultUnlock },
    )
    .post(
      '/move',
      async ({ body, request }) => {
        await vault.moveTo(body.place, given(body.passphrase))
        record(request, { action: 'vault.moved', subject: body.place })
        return vaultView(deps)
      },
      { body: VaultMove },
    )
    .post(
      '/reset',
      async ({ body, request }) => {
        await vault.reset(body.place, given(body.passphrase))
        record(request, { action: 'vault.reset', subject: body.place })
        return vaultView(deps)
      },
      { body: VaultMove },
    )
}
