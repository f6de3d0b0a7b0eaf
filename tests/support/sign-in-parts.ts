// The sign-in of clients over real stores, for doors and admin APIs that run in this process.
import type { EventBus } from '../../gateway/events'
import type { Runtime } from '../../gateway/runtime'
import { isTokenShaped } from '../../gateway/signin/access-token'
import { createApprovals } from '../../gateway/signin/approvals'
import { createCodes } from '../../gateway/signin/codes'
import { createDecisions } from '../../gateway/signin/decide'
import { audienceAt } from '../../gateway/signin/discovery'
import type { FindDocument } from '../../gateway/signin/documents'
import { createSignInDoors } from '../../gateway/signin/door'
import { createSigningKeys } from '../../gateway/secrets/signing-keys'
import { createSignIns } from '../../gateway/signin/sign-ins'
import type { openStores } from '../../gateway/store/stores'

export interface SignInPartsOptions {
  stores: ReturnType<typeof openStores>
  events: EventBus
  runtime: Runtime
  report?: (error: unknown) => void
  documents?: FindDocument
  /** The keys of tokens while the vault is open; without it one and the same, as after a restart. */
  vaultKey?: (name: 'access' | 'refresh') => Uint8Array | null
}

export function signInParts({ stores, events, runtime, ...options }: SignInPartsOptions) {
  const approvals = createApprovals({ events, runtime })
  const codes = createCodes(runtime)
  const keys = (name: 'access' | 'refresh') =>
    createSigningKeys({
      vaultKey: () => {
        const bytes = options.vaultKey ? options.vaultKey(name) : Buffer.alloc(32, name)
        return bytes && { bytes, fresh: false }
      },
      runtime,
    })
  const ended: string[] = []
  const signIns = createSignIns({
    store: stores.signIns,
    accessKeys: keys('access'),
    refreshKeys: keys('refresh'),
    events,
    runtime,
    ended: (_, why) => void ended.push(why),
  })
  const doors = createSignInDoors({
    applicants: stores.applicants,
    approvals,
    codes,
    signIns,
    documents: options.documents ?? (() => Promise.resolve(null)),
    settings: stores.settings.read,
    runtime,
    waits: () => undefined,
    report: options.report ?? (() => undefined),
  })
  return {
    approvals,
    codes,
    signIns,
    doors,
    ended,
    decisions: createDecisions({ approvals, ...stores, events }),
    tokens: {
      isShaped: isTokenShaped,
      async read(text: string, address: string) {
        const at = audienceAt(address)
        return at && (await signIns.verify(text, at))
      },
      counts: signIns.counts,
    },
  }
}
