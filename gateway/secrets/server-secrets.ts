import type { Server } from '../domain/server'
import type { CredentialStore } from '../store/credentials'
import type { Place } from './envelope'
import type { Secret } from './secret'
import type { Vault } from './vault'

/** What is known of one secret input. `unreadable`: it is stored, and the vault is open and cannot open it. */
export type StoredSecret =
  | { state: 'present'; value: Secret }
  | { state: 'absent' }
  | { state: 'locked' }
  | { state: 'unreadable' }

type Owner = Pick<Server, 'id' | 'spaceId'>

/** Secret inputs of servers, sealed in the database and opened when they are asked for, never before. */
export interface ServerSecrets {
  get(server: Owner, inputId: string): StoredSecret
  /** Replaces an older value. Throws `keychain.unavailable` or `vault.locked`, and stores nothing then. */
  set(server: Owner, inputId: string, value: Secret): void
  remove(server: Owner, inputId: string): void
  /** Which are stored, and since when (epoch milliseconds). */
  list(server: Owner): { id: string; setAt: number }[]
  /** Changes whenever a stored secret of the server is written or removed; tells nothing of the values. */
  stamp(server: Owner): string
  /** Throws what `set` would throw now. */
  requireWritable(): void
}

const placeOf = (server: Owner, inputId: string): Place => ({
  table: 'credentials',
  column: 'envelope',
  // The id of a server has no slash.
  row: `${server.id}/${inputId}`,
  space: server.spaceId,
})

export function createServerSecrets(deps: { vault: Vault; credentials: CredentialStore }): ServerSecrets {
  const { vault, credentials } = deps
  return {
    get(server, inputId) {
      const row = credentials.get(server.id, inputId)
      if (!row) return { state: 'absent' }
      if (vault.state().status !== 'open') return { state: 'locked' }
      const value = vault.open(placeOf(server, inputId), row.envelope)
      return value ? { state: 'present', value } : { state: 'unreadable' }
    },
    set(server, inputId, value) {
      const sealed = vault.seal(placeOf(server, inputId), value)
      credentials.put({ serverId: server.id, spaceId: server.spaceId, name: inputId, ...sealed })
    },
    remove: (server, inputId) => credentials.remove(server.id, inputId),
    list: (server) =>
      credentials.list(server.id).map(({ name, updatedAt }) => ({ id: name, setAt: updatedAt })),
    stamp: (server) =>
      credentials
        .list(server.id)
        // Not of the envelope: that one is another as well when the vault gets a new key.
        .map(({ name, updatedAt }) => `${name} ${updatedAt}`)
        .join('\n'),
    requireWritable: () => vault.requireOpen(),
  }
}
