import type { ConsentForm } from '../domain/consent-form'
import type { Server } from '../domain/server'
import type { Consent, ConsentStore } from '../store/consents'
import { type ConsentSeal, createConsentSeal, formText, readForm, type SealOf } from './consent-seal'
import type { OwnKey } from './vault'

type Subject = Pick<Server, 'id' | 'spaceId' | 'definition' | 'source' | 'inputs'>

/** Who approved something, in the words of the door, and when (epoch milliseconds). */
export interface Approval {
  givenBy: string
  givenAt: number
}

/** What a person approved of a server last, and what became of that. */
export interface LastApproval extends Approval {
  form: ConsentForm
  /** It was taken back; else it holds for `form`, whatever is stored now. */
  withdrawn: boolean
}

/** That a person agreed to exactly what would run. */
export interface Consents {
  /** The consent that counts: given, and for what is stored now. */
  of(server: Subject): Approval | null
  /** What was approved last, if its seal proves that; to show what is different now. */
  last(serverId: string): LastApproval | null
  give(server: Subject, givenBy: string): void
  /** From now on nothing is approved. What was is kept, to be shown when it is asked for again. */
  withdraw(server: Subject): void
  /** Where the key lies that seals are checked with now. */
  keyIn(): 'vault' | 'file'
}

/** The part of a stored seal that was made with one of the two keys: `file:HEX vault:HEX`. */
const part = (seal: string, name: 'file' | 'vault'): string =>
  seal
    .split(' ')
    .find((one) => one.startsWith(`${name}:`))
    ?.slice(name.length + 1) ?? ''

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

  function put(serverId: string, form: string, as: SealOf, { givenBy, givenAt }: Partial<Approval>): void {
    const key = vaultKey()
    if (key) givenLocked.delete(serverId)
    else givenLocked.add(serverId)
    const sealed = key ? ` vault:${createConsentSeal(key.bytes).sealText(form, as)}` : ''
    store.put(serverId, `file:${file.sealText(form, as)}${sealed}`, givenBy ?? '', { givenAt, form })
  }

  /** How a form is proven by a stored seal: with the key that counts now, with that of the file, or not at all. */
  function proof(serverId: string, { seal }: Consent, form: string, as: SealOf): 'full' | 'file' | null {
    const proves = (by: ConsentSeal, name: 'file' | 'vault') => by.matchesText(form, as, part(seal, name))
    const key = vaultKey()
    if (!key) return proves(file, 'file') ? 'full' : null
    if (proves(createConsentSeal(key.bytes), 'vault')) return 'full'
    return (key.fresh || givenLocked.has(serverId)) && proves(file, 'file') ? 'file' : null
  }

  const consents: Consents = {
    of(server) {
      const consent = store.get(server.id)
      if (!consent) return null
      const form = formText(server)
      const proven = proof(server.id, consent, form, 'consent')
      if (!proven) return null
      const { givenBy, givenAt } = consent
      if (proven === 'file') put(server.id, form, 'consent', { givenBy, givenAt })
      return { givenBy, givenAt }
    },
    last(serverId) {
      const consent = store.get(serverId)
      if (!consent || consent.form === null) return null
      const { form, givenBy, givenAt } = consent
      const as = (['consent', 'former'] as const).find((one) => proof(serverId, consent, form, one))
      return as ? { form: readForm(form), givenBy, givenAt, withdrawn: as === 'former' } : null
    },
    give: (server, givenBy) => put(server.id, formText(server), 'consent', { givenBy }),
    withdraw(server) {
      const consent = store.get(server.id)
      if (!consent) return
      // Of one from before forms were kept, what it was for is known while it holds.
      const form = consents.of(server) ? formText(server) : consents.last(server.id) ? consent.form : null
      if (form === null) store.remove(server.id)
      else put(server.id, form, 'former', consent)
    },
    keyIn: () => (vaultKey() ? 'vault' : 'file'),
  }
  return consents
}
