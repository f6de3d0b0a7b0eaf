import { Secret } from '../secrets/secret'
import type { SealedRow } from '../store/sealed-rows'
import type { AdminDeps } from './deps'
import { nameIn, type SealedValue } from './sealed-value'
import { type VaultView, vaultView } from './vault-view'

/** What a rotation did. */
export interface RotationView extends VaultView {
  /** Values that were sealed anew. */
  resealed: number
  /** Values that stay as they are, because the key does not open them. */
  left: SealedValue[]
  sessionsEnded: boolean
}

type Names = Pick<AdminDeps, 'servers' | 'spaces'>

function sealedValue({ place, key, serverId }: SealedRow, { servers, spaces }: Names): SealedValue {
  const server = servers.list().find(({ id }) => id === serverId)
  const space = spaces.list().find(({ id }) => id === place.space)
  const { table } = place
  return { table, server: server?.name ?? null, space: space?.name ?? null, name: nameIn(key) }
}

/** Exchanges keys for new ones. Throws what the vault throws; sessions end only when the rest is done. */
export async function rotateKeys(
  deps: Pick<AdminDeps, 'vault' | 'dataKeys' | 'events' | 'record'> & Names,
  request: Request,
  { keys, passphrase }: { keys: 'vault' | 'wrapping' | 'sessions' | 'all'; passphrase?: string },
): Promise<RotationView> {
  const { vault, events, record } = deps
  vault.requireOpen()
  const given = passphrase === undefined ? null : new Secret(passphrase)
  const { resealed, left: all } =
    keys === 'sessions'
      ? { resealed: 0, left: [] }
      : await vault.rotate(keys === 'wrapping' ? 'wrapping' : 'data', given)
  // A key of the gateway's own is made anew when it is needed: nobody has to do anything for it.
  const left = all.filter(({ place }) => place.table !== 'vault_secrets')
  const sessionsEnded = keys === 'sessions' || keys === 'all'
  if (sessionsEnded) {
    vault.renewClientKeys()
    events.emit('keys.renewed', { why: 'asked' })
  }
  record(request, {
    action: 'vault.rotated',
    subject: keys,
    detail: { resealed, unreadable: left.length, sessionsEnded },
  })
  return { ...vaultView(deps), resealed, left: left.map((row) => sealedValue(row, deps)), sessionsEnded }
}
