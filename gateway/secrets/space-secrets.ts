import type { SpaceSecretStore } from '../store/space-secrets'
import type { Place } from './envelope'
import type { Secret } from './secret'
import type { StoredSecret } from './server-secrets'
import type { Vault } from './vault'

/** Named secrets of a Space, for every server of it that refers to them, and of no other Space. */
export interface SpaceSecrets {
  get(spaceId: string, name: string): StoredSecret
  /** Replaces an older value. Throws `keychain.unavailable` or `vault.locked`, and stores nothing then. */
  set(spaceId: string, name: string, value: Secret): void
  /** False when there was none. */
  remove(spaceId: string, name: string): boolean
  /** Names, and when they were set (epoch milliseconds). */
  list(spaceId: string): { name: string; setAt: number }[]
  /** Differs once the secret is written or removed; tells nothing of the value. */
  stamp(spaceId: string, name: string): string
}

const placeOf = (spaceId: string, name: string): Place => ({
  table: 'space_secrets',
  column: 'envelope',
  // The id of a Space has no slash.
  row: `${spaceId}/${name}`,
  space: spaceId,
})

export function createSpaceSecrets(deps: { vault: Vault; store: SpaceSecretStore }): SpaceSecrets {
  const { vault, store } = deps
  return {
    get(spaceId, name) {
      const row = store.get(spaceId, name)
      if (!row) return { state: 'absent' }
      if (vault.state().status !== 'open') return { state: 'locked' }
      const value = vault.open(placeOf(spaceId, name), row.envelope)
      return value ? { state: 'present', value } : { state: 'unreadable' }
    },
    set(spaceId, name, value) {
      store.put({ spaceId, name, ...vault.seal(placeOf(spaceId, name), value) })
    },
    remove: (spaceId, name) => store.remove(spaceId, name),
    list: (spaceId) => store.list(spaceId).map(({ name, updatedAt }) => ({ name, setAt: updatedAt })),
    stamp(spaceId, name) {
      // Not of the envelope: that one is another as well when the vault gets a new key.
      return String(store.get(spaceId, name)?.updatedAt ?? '')
    },
  }
}
