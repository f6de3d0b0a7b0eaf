// The part of the first door where clients without a key sign in: on `localhost` alone, so that clients with a key find
// no sign-in on the other two origins, and ask for none.
import { isDocumentId } from '../domain/document-id'
import { createRate } from '../domain/rate'
import type { Applicant, Approval } from '../domain/sign-in'
import type { ReadSetting } from '../domain/settings'
import type { Runtime } from '../runtime'
import type { ApplicantStore } from '../store/applicants'
import { doneReply, jsonReply } from '../web/replies'
import type { Approvals } from './approvals'
import { createAuthorize } from './authorize'
import { readJson } from './bodies'
import type { Codes } from './codes'
import { audienceOf, paths, resourceDocument, serverDocument } from './discovery'
import type { FindDocument } from './documents'
import { OAuthError } from './failure'
import { createRegistration } from './registration'
import { failureReply } from './replies'
import type { Audience, SignIns } from './sign-ins'
import { createTokenEndpoint } from './token'

export interface SignInDoorDeps {
  applicants: ApplicantStore
  approvals: Approvals
  codes: Codes
  signIns: SignIns
  documents: FindDocument
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'randomBytes'>
  /** Told of who waits for a person now. */
  waits(approval: Approval): void
  /** Takes what went wrong inside; nothing of it is sent. */
  report(error: unknown): void
}

/** The sign-in on one port. */
export interface SignInDoor {
  /** The handler of this whole address, without its query; null when nothing is there. */
  at(address: string): ((request: Request) => Promise<Response>) | null
  /** Where a client without a key is told to look (RFC 9728 section 5.1); null on an origin without a sign-in. */
  metadataFor(address: string): string | null
}

type Handle = (request: Request, at: Audience) => Response | Promise<Response>

interface Place {
  method: 'GET' | 'POST'
  handle: Handle
  /** Stays when discovery is off: who is signed in goes on, and can end it. */
  stays?: true
}

export function createSignInDoors(deps: SignInDoorDeps): (port: number) => SignInDoor {
  const { applicants, runtime } = deps
  const readsDocuments = () => deps.settings('auth.client_documents') === 'on'
  const registration = createRegistration({ store: applicants, runtime })
  // Wrong codes and tokens of everybody together: all of them come from this machine.
  const failures = createRate({ burst: 60, perSecond: 2, runtime })

  async function find(id: string): Promise<Applicant | 'no document' | null> {
    if (!isDocumentId(id)) return registration.find(id)
    const document = readsDocuments() ? await deps.documents(id) : null
    if (!document) return 'no document'
    const now = runtime.now()
    const known = applicants.get(id)
    return {
      id,
      kind: 'document',
      ...document,
      clientId: known?.clientId ?? null,
      createdAt: known?.createdAt ?? now,
      usedAt: now,
    }
  }

  const authorize = createAuthorize({
    find,
    used: ({ id }) => applicants.use(id),
    approvals: deps.approvals,
    codes: deps.codes,
    asked: (id) => deps.waits(deps.approvals.find(id)),
  })
  const tokens = createTokenEndpoint({
    codes: deps.codes,
    signIns: deps.signIns,
    isKnown: (id) => applicants.get(id) !== null,
  })

  const places: Readonly<Record<string, Place>> = {
    [paths.resource]: { method: 'GET', handle: (_, at) => jsonReply(resourceDocument(at)) },
    [paths.resourceOfMcp]: { method: 'GET', handle: (_, at) => jsonReply(resourceDocument(at)) },
    [paths.server]: { method: 'GET', handle: (_, at) => jsonReply(serverDocument(at, readsDocuments())) },
    [paths.register]: {
      method: 'POST',
      handle: async (request) => jsonReply(registration.register(await readJson(request)), 201),
    },
    [paths.authorize]: { method: 'GET', handle: authorize.begin },
    [paths.wait]: { method: 'GET', handle: authorize.wait },
    [paths.token]: {
      method: 'POST',
      handle: async (request, at) => jsonReply(await tokens.token(request, at)),
      stays: true,
    },
    [paths.revoke]: {
      method: 'POST',
      handle: async (request, at) => {
        await tokens.revoke(request, at)
        return doneReply()
      },
      stays: true,
    },
  }

  function render(thrown: unknown): Response {
    if (!(thrown instanceof OAuthError)) {
      deps.report(thrown)
      return failureReply(new OAuthError('server_error', 'internal error'))
    }
    const guess = thrown.code === 'invalid_grant' || thrown.code === 'invalid_client'
    if (guess && !failures.take())
      return failureReply(new OAuthError('slow_down', 'too many failures, wait a moment'))
    return failureReply(thrown)
  }

  const wrongMethod = (allowed: string): Response => {
    const reply = failureReply(new OAuthError('invalid_request', `use ${allowed}`))
    return new Response(reply.body, {
      status: 405,
      headers: { ...Object.fromEntries(reply.headers), Allow: allowed },
    })
  }

  return (port) => {
    const audience = audienceOf(port)
    const offered = (): boolean => deps.settings('auth.discovery') === 'on'
    return {
      at(address) {
        if (!address.startsWith(`${audience.issuer}/`)) return null
        const path = address.slice(audience.issuer.length)
        const place = Object.hasOwn(places, path) ? places[path] : undefined
        if (!place || (place.stays !== true && !offered())) return null
        return async (request) => {
          if (request.method !== place.method) return wrongMethod(place.method)
          try {
            return await place.handle(request, audience)
          } catch (thrown) {
            return render(thrown)
          }
        }
      },
      metadataFor: (address) =>
        address === audience.resource && offered() ? audience.issuer + paths.resourceOfMcp : null,
    }
  }
}
