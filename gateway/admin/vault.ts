import type { LockReason } from '../domain/vault-state'
import { Secret } from '../secrets/secret'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { VaultExport, VaultImport, VaultMove, VaultRotate, VaultUnlock } from './schemas'
import { exportVault } from './vault-export'
import { importVault } from './vault-import'
import { rotateKeys } from './vault-rotation'
import { type VaultView, vaultView } from './vault-view'

/** `VaultView`, and whether the key is where it should be right now: null when it is, or when nobody can look. */
export interface VaultCheck extends VaultView {
  keyMissing: LockReason | null
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
    .post('/rotate', ({ body, request }) => rotateKeys(deps, request, body), { body: VaultRotate })
    .post('/export', ({ body, request }) => exportVault(deps, request, body), { body: VaultExport })
    .post('/import', ({ body, request }) => importVault(deps, request, body), { body: VaultImport })
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
