// What the browser brings back from an authorization server (OAuth 2.1, section 4.1.2; RFC 9207).
import { AuthorizationResponseError, skipStateCheck, validateAuthResponse } from 'oauth4webapi'
import type { IssuerMetadata } from '../domain/authorization'
import { claimedName } from '../domain/claimed-name'
import { GatewayError } from '../errors'
import { Secret } from '../secrets/secret'

const LONGEST_ADDRESS = 16 * 1024

/** The address the browser was sent to; null for what is no such address. */
export function callbackUrl(text: string): URL | null {
  const trimmed = text.trim()
  return trimmed.length <= LONGEST_ADDRESS && URL.canParse(trimmed) ? new URL(trimmed) : null
}

/** The one state in it; null for none, several, or an empty one. */
export function stateIn(url: URL): string | null {
  const [state, ...others] = url.searchParams.getAll('state')
  return others.length === 0 ? state || null : null
}

/** Where it leads, without what it carries. */
export const placeOf = (url: URL): string => `${url.origin}${url.pathname}`

/** What means something in it. Everything else is somebody else's, and left alone. */
const single = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'response']

const invalid = (why: string) => new GatewayError('oauth.answer_invalid', why)

/**
 * The code. Which authorization server answers is looked at before anything else it says, refusals too: the words of
 * another one are not repeated. Throws `oauth.answer_invalid`, `oauth.denied`.
 */
export function codeIn(url: URL, metadata: IssuerMetadata): Secret {
  const parameters = url.searchParams
  if (single.some((name) => parameters.getAll(name).length > 1)) throw invalid('a parameter comes twice')
  // An empty one is a wrong one.
  const named = parameters.get('iss')
  if (named !== null && named !== metadata.issuer) throw invalid('it comes from another authorization server')
  if (named === null && metadata.namesItself)
    throw invalid('it does not say from which authorization server it comes')
  try {
    const server = {
      issuer: metadata.issuer,
      authorization_response_iss_parameter_supported: metadata.namesItself,
    }
    const checked = validateAuthResponse(server, { client_id: 'ours' }, parameters, skipStateCheck)
    const code = checked.get('code')
    if (!code) throw invalid('there is no code in it')
    return new Secret(code)
  } catch (error) {
    if (error instanceof GatewayError) throw error
    if (error instanceof AuthorizationResponseError)
      throw new GatewayError('oauth.denied', deniedBy(error.error, error.error_description))
    throw invalid('it is not the answer to a request for a code')
  }
}

/** The words of the authorization server, as words of somebody else. */
function deniedBy(error: string, description: string | undefined): string {
  const word = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(error) ? error : 'an error without a name'
  return description === undefined || description === '' ? word : `${word} ("${claimedName(description)}")`
}
