// The id of a session as a signed token: JSON Web Token (RFC 7519) under HMAC-SHA256 (RFC 7518 section 3.2).
import { SignJWT } from 'jose/jwt/sign'
import { jwtVerify } from 'jose/jwt/verify'

/** Fixed, so that no token that was made for anything else passes for a session (RFC 8725 sections 3.8, 3.9, 3.11). */
const TYPE = 'mcpmux-session+jwt'
const ISSUER = 'mcpmux'
const AUDIENCE = 'mcpmux-session'
const ALGORITHM = 'HS256'

/**
 * Three parts of base64url, the last of 32 bytes in the one spelling that has no stray bits. An encrypted token has
 * five.
 */
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]$/
const LONGEST = 512

/** Whose session it is, what tells it from every other, and when it was opened (epoch milliseconds). */
export interface SessionClaims {
  clientId: string
  jti: string
  issuedAt: number
}

/** Visible ASCII of at most 512 bytes, as a header wants it (MCP 2025-11-25, Session Management). It never expires. */
export const signSession = (key: Uint8Array, { clientId, jti, issuedAt }: SessionClaims): Promise<string> =>
  new SignJWT({})
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(clientId)
    .setJti(jti)
    .setIssuedAt(Math.floor(issuedAt / 1000))
    .sign(key)

/**
 * Whether the token was signed with this key, for a session of this client. The key, the algorithm and every claim are
 * ours to say, never the token's (RFC 8725 sections 3.1 and 3.10); whatever is wrong with it, the answer is no.
 */
export async function isSessionOf(
  clientId: string,
  token: string,
  key: Uint8Array,
  now: number,
): Promise<boolean> {
  if (token.length > LONGEST || !SHAPE.test(token)) return false
  try {
    await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: ISSUER,
      audience: AUDIENCE,
      subject: clientId,
      requiredClaims: ['jti', 'iat'],
      currentDate: new Date(now),
    })
    return true
  } catch {
    return false
  }
}
