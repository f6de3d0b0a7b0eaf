import { claimedName } from '../domain/claimed-name'
import { createRate } from '../domain/rate'
import type { Applicant } from '../domain/sign-in'
import type { Runtime } from '../runtime'
import type { ApplicantStore } from '../store/applicants'
import { OAuthError } from './failure'
import { allowedRedirects } from './redirect-uris'

/** Registers a program that asks for it (RFC 7591). Anybody on this machine may, so it gives nothing but an id. */
export interface Registration {
  /** The answer of section 3.2.1. Throws `invalid_redirect_uri`, `invalid_client_metadata`, `slow_down`. */
  register(metadata: unknown): RegistrationAnswer
  find(id: string): Applicant | null
}

export interface RegistrationAnswer {
  client_id: string
  client_id_issued_at: number
  client_name: string
  redirect_uris: readonly string[]
  grant_types: readonly string[]
  response_types: readonly string[]
  token_endpoint_auth_method: 'none'
}

/** So many that no person approved are kept, and so long. */
const MOST = 100
const KEPT_MS = 86_400_000

export function createRegistration(deps: {
  store: ApplicantStore
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'randomBytes'>
}): Registration {
  const { store, runtime } = deps
  const rate = createRate({ burst: 20, perSecond: 0.2, runtime })

  return {
    register(metadata) {
      if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
        throw new OAuthError('invalid_client_metadata', 'the body must be a JSON object')
      const fields = new Map(Object.entries(metadata))
      const asked: unknown = fields.get('redirect_uris')
      // Programs list addresses for more places than this one; those that cannot be used here are left out.
      const redirectUris = Array.isArray(asked) ? allowedRedirects(asked) : []
      if (redirectUris.length === 0)
        throw new OAuthError(
          'invalid_redirect_uri',
          'redirect_uris needs an http address of 127.0.0.1, [::1] or localhost, or one of an application scheme',
        )
      const claimed: unknown = fields.get('client_name')
      if (!rate.take()) throw new OAuthError('slow_down', 'too many registrations, wait a moment')
      store.expire(runtime.now() - KEPT_MS, MOST - 1)
      const made = store.put({
        id: `mux-${Buffer.from(runtime.randomBytes(24)).toString('base64url')}`,
        kind: 'registered',
        name: claimedName(typeof claimed === 'string' ? claimed : ''),
        redirectUris,
      })
      // Whatever else it asked for: this is what it gets (section 3.2.1 lets us replace it, and tells it so).
      return {
        client_id: made.id,
        client_id_issued_at: Math.floor(made.createdAt / 1000),
        client_name: made.name,
        redirect_uris: made.redirectUris,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      }
    },
    find: (id) => store.get(id),
  }
}
