// Access tokens: JSON Web Tokens (RFC 7519, RFC 9068) under HMAC-SHA256 (RFC 7518 section 3.2).
import { JWTExpired } from 'jose/errors'
import { SignJWT } from 'jose/jwt/sign'
import { jwtVerify } from 'jose/jwt/verify'

/** Seconds an access token counts. */
export const ACCESS_SECONDS = 900

/** No other token of ours has this type (RFC 9068 section 2.1). */
const TYPE = 'at+jwt'
const ALGORITHM = 'HS256'
/** Clocks are set back; by more than this a token was never made now. */
const SKEW_SECONDS = 30

/** Three parts of base64url, the last of 32 bytes in the one spelling that has no stray bits. */
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]$/
const LONGEST = 4096

/** Who may use it where: its Client, the applicant it was given to, the sign-in it belongs to. */
export interface AccessClaims {
  issuer: string
  audience: string
  clientId: string
  applicantId: string
  signInId: string
  jti: string
  /** Epoch milliseconds. */
  issuedAt: number
}

/** Whether a credential is written as an access token would be; says nothing about who made it. */
export const isTokenShaped = (text: string): boolean => text.length <= LONGEST && SHAPE.test(text)

export const signAccess = (key: Uint8Array, claims: AccessClaims): Promise<string> => {
  const issued = Math.floor(claims.issuedAt / 1000)
  return new SignJWT({ client_id: claims.applicantId, sid: claims.signInId })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(claims.issuer)
    .setAudience(claims.audience)
    .setSubject(claims.clientId)
    .setJti(claims.jti)
    .setIssuedAt(issued)
    .setExpirationTime(issued + ACCESS_SECONDS)
    .sign(key)
}

/** What a token says that was signed with the key and counts at `now`. */
export interface ReadAccess {
  clientId: string
  applicantId: string
  signInId: string
  /** Epoch milliseconds. */
  expiresAt: number
}

/**
 * Reads a token. The key, the algorithm, the type, the issuer and the audience are ours to say, never the token's (RFC
 * 8725 sections 3.1, 3.8 to 3.11). `expired` is a token that is right but for its time; anything else is null.
 */
export async function readAccess(
  text: string,
  key: Uint8Array,
  { issuer, audience, now }: { issuer: string; audience: string; now: number },
): Promise<ReadAccess | 'expired' | null> {
  if (!isTokenShaped(text)) return null
  try {
    const { payload } = await jwtVerify(text, key, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer,
      audience,
      requiredClaims: ['sub', 'jti', 'iat', 'exp', 'client_id', 'sid'],
      currentDate: new Date(now),
    })
    const { sub, iat = Infinity, exp = Infinity, client_id, sid } = payload
    if (sub === undefined || typeof client_id !== 'string' || typeof sid !== 'string') return null
    if (typeof payload.aud !== 'string' || exp - iat > ACCESS_SECONDS) return null
    if (iat * 1000 > now + SKEW_SECONDS * 1000) return null
    return { clientId: sub, applicantId: client_id, signInId: sid, expiresAt: exp * 1000 }
  } catch (error) {
    return error instanceof JWTExpired ? 'expired' : null
  }
}
