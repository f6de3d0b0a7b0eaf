import type { Server } from '../domain/server'
import type { ConsentStore } from '../store/consents'
import { createConsentSeal } from './consent-seal'
import type { OwnKey } from './vault'

type Subject = Pick<Server, 'id' | 'spaceId' | 'definition' | 'source' | 'inputs'>

/** That a person agreed to exactly what would run. */
export interface Consents {
  /** The consent that counts: given, and for what is stored now. */
  of(server: Subject): { givenBy: string; givenAt: number } | null
  give(server: Subject, givenBy: string): void
  withdraw(serverId: string): void
  /** Where the key lies that seals are checked with now. */
  keyIn(): 'vault' | 'file'
}

/** The part of a stored seal that was made with one of the two keys: `file:HEX vault:HEX`. */
const part = (seal: string, name: 'file' | 'vault'): string | null =>
  seal
    .split(' ')
    .find((one) => one.startsWith(`${name}:`))
    ?.slice(name.length + 1) ?? null

/**
 * Consents, sealed with a key in the vault and with one in a file. While the vault is open its seal counts and no
 * other, so that nobody who only reads and writes files can forge one. While it is not, that of the file counts,
 * because servers that need no secret are to run all the same. A consent that has the seal of the file alone is sealed
 * anew when the vault opens, if it was given in this run or the vault itself began in this run; else it is to be given
 * again.
 */
export function createConsents(deps: {
  store: ConsentStore
  fileKey: Uint8Array
  vaultKey(): OwnKey | null
}): Consents {
  const { store, vaultKey } = deps
  const file = createConsentSeal(deps.fileKey)
  const givenLocked = new Set<string>()

  function give(server: Subject, givenBy: string, givenAt?: number): void {
    const key = vaultKey()
    if (key) givenLocked.delete(server.id)
    else givenLocked.add(server.id)
    const sealed = key ? ` vault:${createConsentSeal(key.bytes).seal(server)}` : ''
    store.put(server.id, `file:${file.seal(server)}${sealed}`, givenBy, givenAt)
  }

  return {
    of(server) {
      const consent = store.get(server.id)
      if (!consent) return null
      const { seal, givenBy, givenAt } = consent
      const key = vaultKey()
      const inFile = () => file.matches(server, part(seal, 'file') ?? '')
      if (!key) return inFile() ? { givenBy, givenAt } : null
      if (createConsentSeal(key.bytes).matches(server, part(seal, 'vault') ?? '')) return { givenBy, givenAt }
      if (!(key.fresh || givenLocked.has(server.id)) || !inFile()) return null
      give(server, givenBy, givenAt)
      return { givenBy, givenAt }
    },
    give: (server, givenBy) => give(server, givenBy),
    withdraw: (serverId) => store.remove(serverId),
    keyIn: () => (vaultKey() ? 'vault' : 'file'),
  }
}
