import { byGateway } from '../domain/audit'
import { systemResolve } from '../net/reach'
import { createSafeFetch } from '../net/safe-fetch'
import { isTokenShaped } from '../signin/access-token'
import { createApprovals } from '../signin/approvals'
import { createCodes } from '../signin/codes'
import { createDecisions } from '../signin/decide'
import { audienceAt } from '../signin/discovery'
import { createDocuments } from '../signin/documents'
import { createSignInDoors } from '../signin/door'
import { createSigningKeys } from '../secrets/signing-keys'
import { createSignIns } from '../signin/sign-ins'
import type { Foundation, Parts } from './foundation'

/** How clients without a key become known: their part of the door, those who wait, and their tokens. */
export type SignIn = ReturnType<typeof openSignIn>

export function openSignIn(
  parts: Parts,
  { stores, events, vault, runtime, config, tell, trail, fault }: Foundation,
) {
  const { applicants, settings } = stores
  const approvals = parts.use(createApprovals({ events, runtime }))
  const codes = createCodes(runtime)
  const keys = (name: string) => {
    const made = parts.use(createSigningKeys({ vaultKey: () => vault.ownKey(name), runtime }))
    parts.defer(events.on('keys.renewed', made.renew))
    return made
  }
  const signIns = createSignIns({
    store: stores.signIns,
    accessKeys: keys('access'),
    refreshKeys: keys('refresh'),
    events,
    runtime,
    ended({ id, clientId }, why) {
      const actor = why === 'asked' ? ({ via: 'client', clientId, credentialId: id } as const) : byGateway
      trail.record({ action: 'signin.revoked', actor, clientId, detail: { signIn: id, why } })
      if (why === 'reused') tell.note('a refresh token or a code came twice, so its sign-in was ended')
    },
  })
  const documents = createDocuments({
    safeFetch: createSafeFetch({ runtime, environment: config.environment, resolve: systemResolve }),
    runtime,
  })
  const doors = createSignInDoors({
    applicants,
    approvals,
    codes,
    signIns,
    documents,
    settings: settings.read,
    runtime,
    waits({ name, code, receiver, applicantId }) {
      tell.note(`"${name}" waits for your approval: mcpmux approve ${code}`)
      const detail = { code, receiver, applicant: applicantId }
      trail.record({ action: 'signin.requested', actor: byGateway, subject: name, detail })
    },
    report: fault,
  })
  const decisions = createDecisions({ approvals, ...stores, events })
  return {
    doors,
    decisions,
    signIns,
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
