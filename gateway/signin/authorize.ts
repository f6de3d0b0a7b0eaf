// The authorization endpoint (OAuth 2.1 section 4.1.1) and the page that waits. A person decides elsewhere.
import type { Applicant } from '../domain/sign-in'
import { GatewayError } from '../errors'
import { redirectReply } from '../web/replies'
import type { Approvals, Request as Asked } from './approvals'
import { type Parameters, parametersOf } from './bodies'
import type { Codes } from './codes'
import { isOurs, paths } from './discovery'
import { type OAuthCode, OAuthError } from './failure'
import { donePage, refusalPage, type Refusal, strangerPage, waitingPage } from './pages'
import { isLoopbackRedirect, isRegistered, withParameters } from './redirect-uris'
import type { Audience } from './sign-ins'

export interface AuthorizeDeps {
  /** The applicant of that id, from the store or from its document. */
  find(id: string): Promise<Applicant | 'no document' | null>
  /** Notes that it asked. */
  used(applicant: Applicant): void
  approvals: Approvals
  codes: Codes
  /** Told of an applicant that waits now. */
  asked(id: string): void
}

/** Answers that are pages or lead on; never rejects for what was sent. */
export interface Authorize {
  begin(request: Request, at: Audience): Promise<Response>
  wait(request: Request, at: Audience): Response
}

const CHALLENGE = /^[\w-]{43}$/
const COOKIE = 'mcpmux-signin-'
const COOKIE_SECONDS = 900
const LONGEST_STATE = 4096

class Refused extends Error {
  constructor(readonly why: Refusal) {
    super(why)
  }
}

/**
 * Only a person's own browser window begins a sign-in, or a program that is no browser: a page could otherwise make them
 * by the dozen with pictures and frames. Browsers say which it is, to `localhost` too (Fetch Metadata).
 */
function isNavigation(headers: Headers): boolean {
  const mode = headers.get('sec-fetch-mode')
  const destination = headers.get('sec-fetch-dest')
  return (mode === null || mode === 'navigate') && (destination === null || destination === 'document')
}

export function createAuthorize(deps: AuthorizeDeps): Authorize {
  const { approvals, codes } = deps

  async function applicantOf(query: Parameters): Promise<{ applicant: Applicant; redirectUri: string }> {
    const id = query.get('client_id')
    const applicant = id === null ? null : await deps.find(id)
    if (applicant === null) throw new Refused('client')
    if (applicant === 'no document') throw new Refused('document')
    const redirectUri = query.get('redirect_uri') ?? onlyOf(applicant.redirectUris)
    if (redirectUri === null || !isRegistered(redirectUri, applicant.redirectUris))
      throw new Refused('redirect')
    return { applicant, redirectUri }
  }

  /** What is wrong with the rest of the request; null for nothing. */
  function faultOf(query: Parameters, at: Audience): OAuthCode | null {
    if (query.get('request') !== null) return 'request_not_supported'
    if (query.get('request_uri') !== null) return 'request_uri_not_supported'
    if (query.get('response_type') === null) return 'invalid_request'
    if (query.get('response_type') !== 'code') return 'unsupported_response_type'
    if ((query.get('response_mode') ?? 'query') !== 'query') return 'invalid_request'
    // Without a method it would be `plain` (RFC 7636 section 4.3), which proves nothing.
    if (query.get('code_challenge_method') !== 'S256') return 'invalid_request'
    if (!CHALLENGE.test(query.get('code_challenge') ?? '')) return 'invalid_request'
    if ((query.get('state') ?? '').length > LONGEST_STATE) return 'invalid_request'
    if (query.get('prompt') === 'none') return 'interaction_required'
    return isOurs(query.resources, at) ? null : 'invalid_target'
  }

  const answer = (asked: Pick<Asked, 'redirectUri' | 'state'>, at: Audience, parameters: object): Response =>
    redirectReply(withParameters(asked.redirectUri, { ...parameters, state: asked.state, iss: at.issuer }))

  async function begin(request: Request, at: Audience): Promise<Response> {
    if (!isNavigation(request.headers)) return refusalPage('request')
    try {
      const query = parametersOf(new URL(request.url).searchParams)
      const { applicant, redirectUri } = await applicantOf(query)
      const fault = faultOf(query, at)
      const state = query.get('state')
      if (fault !== null) {
        // An application would be brought up by any page that links here; a server of this machine is only told.
        if (!isLoopbackRedirect(redirectUri)) throw new Refused('request')
        return answer({ redirectUri, state }, at, { error: fault })
      }
      const challenge = query.get('code_challenge') ?? ''
      const { id, cookie } = approvals.ask({ applicant, redirectUri, state, challenge })
      deps.used(applicant)
      deps.asked(id)
      const name = `${COOKIE}${id}`
      return redirectReply(
        `${at.issuer}${paths.wait}?id=${id}`,
        `${name}=${cookie}; Path=${paths.wait}; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax`,
      )
    } catch (error) {
      if (error instanceof Refused) return refusalPage(error.why)
      if (error instanceof OAuthError) return refusalPage('request')
      if (error instanceof GatewayError && error.code === 'approval.too_many') return refusalPage('busy')
      throw error
    }
  }

  function wait(request: Request, at: Audience): Response {
    const id = new URL(request.url).searchParams.get('id') ?? ''
    const outcome = approvals.collect(id, cookieOf(request.headers, `${COOKIE}${id}`))
    if (!outcome) return strangerPage()
    switch (outcome.state) {
      case 'waiting':
        return waitingPage(outcome.code)
      case 'taken':
        return donePage()
      case 'approved': {
        const { applicant, redirectUri, challenge } = outcome.request
        const facts = { applicantId: applicant.id, clientId: outcome.clientId, redirectUri, challenge }
        return answer(outcome.request, at, { code: codes.issue(facts) })
      }
      default:
        return answer(outcome.request, at, { error: 'access_denied', error_description: outcome.state })
    }
  }

  return { begin, wait }
}

const onlyOf = (uris: readonly string[]): string | null => (uris.length === 1 ? (uris[0] ?? null) : null)

function cookieOf(headers: Headers, name: string): string {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const end = pair.indexOf('=')
    if (end > 0 && pair.slice(0, end).trim() === name) return pair.slice(end + 1).trim()
  }
  return ''
}
