import { GatewayError } from '../errors'
import { retryAfterOf } from '../net/retry-after'
import { Secret } from '../secrets/secret'
import type { TokenGrant } from './grant'

/** The authorization server heard the request and says no (RFC 6749, section 5.2). `error` is its word for why. */
export class RefusedError extends GatewayError {
  constructor(readonly error: string) {
    super('oauth.refused', error)
    this.name = 'RefusedError'
  }
}

/** The authorization server says when to ask again (RFC 9110, section 10.2.3). */
export class LaterError extends GatewayError {
  constructor(
    why: string,
    /** Milliseconds. */
    readonly wait: number,
  ) {
    super('oauth.unreachable', why)
    this.name = 'LaterError'
  }
}

/** Longest token: one that fits no request header is of no use. */
const LONGEST_TOKEN = 16 * 1024
const LONGEST_SCOPE = 8 * 1024
const LONGEST_LIFE_S = 100 * 366 * 86_400
/** Firewalls and proxies say no with JSON of their own: only these statuses are of a token endpoint that decided. */
const deciding = new Set([200, 400, 401])
/** Words that decide about the credential. After any other, as "later" or "too often", it is as good as before. */
const refusals = new Set([
  // RFC 6749, section 5.2
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client'],
  ...['unsupported_grant_type', 'invalid_scope'],
  // RFC 8707, section 2
  'invalid_target',
  // RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6
  ...['access_denied', 'interaction_required', 'login_required', 'consent_required'],
  // GitHub's, with 200; without them nobody would be asked to sign in again
  ...['bad_refresh_token', 'bad_verification_code', 'incorrect_client_credentials'],
])

const garbage = (what: string) => new GatewayError('oauth.unreachable', what)

/**
 * What a token endpoint gave (RFC 6749, section 5.1). Strict: a bearer token that can stand in a header, and a lifetime
 * that is one. Members nobody asked for are left out. Throws `RefusedError`, or `oauth.unreachable` for what is no
 * answer of a token endpoint, none of whose words are repeated; as a `LaterError` where that is said to be for a while.
 */
export function readTokenAnswer(response: Response, body: Uint8Array, now: number): TokenGrant {
  const { status } = response
  const wait = status === 429 || status === 503 ? retryAfterOf(response, now) : null
  if (wait !== null) throw new LaterError(`HTTP ${status}`, wait)
  if (status === 408 || status === 429 || status >= 500) throw garbage(`HTTP ${status}`)
  const answer = objectIn(body)
  // Some say no with 200.
  if (answer && typeof answer.error === 'string' && answer.access_token === undefined) {
    if (deciding.has(status) && refusals.has(answer.error)) throw new RefusedError(answer.error)
    throw garbage(`HTTP ${status} with an error that decides nothing`)
  }
  if (status !== 200) throw garbage(`HTTP ${status} without an error of OAuth`)
  if (!answer) throw garbage('no JSON object where tokens belong')
  const { access_token, token_type } = answer
  const refreshToken = answer.refresh_token ?? null
  const scope = answer.scope === '' ? null : (answer.scope ?? null)
  const life = answer.expires_in ?? null
  if (!isText(access_token, /^[\x21-\x7e]+$/, LONGEST_TOKEN)) throw garbage('no usable access token')
  if (typeof token_type !== 'string' || token_type.toLowerCase() !== 'bearer')
    throw garbage('the token is not a bearer token')
  if (refreshToken !== null && !isText(refreshToken, /^[\x20-\x7e]+$/, LONGEST_TOKEN))
    throw garbage('no usable refresh token')
  if (scope !== null && !isText(scope, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/, LONGEST_SCOPE))
    throw garbage('its scope is none')
  return {
    accessToken: new Secret(access_token),
    refreshToken: refreshToken === null ? null : new Secret(refreshToken),
    scope,
    issuedAt: now,
    expiresAt: life === null ? null : now + lifetimeOf(life) * 1000,
  }
}

function objectIn(body: Uint8Array): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null
  } catch {
    return null
  }
}

const isText = (value: unknown, pattern: RegExp, longest: number): value is string =>
  typeof value === 'string' && value.length <= longest && pattern.test(value)

/** Whole seconds. Digits in a text are common enough to be taken. */
function lifetimeOf(value: unknown): number {
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds >= 1 && seconds <= LONGEST_LIFE_S))
    throw garbage('its expires_in is no lifetime')
  return Math.floor(seconds)
}
