// The token endpoint (OAuth 2.1 section 3.2) and the one that revokes (RFC 7009). Clients are public: they prove nothing
// but that they hold the code and its verifier, or the refresh token.
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Parameters, readForm } from './bodies'
import type { Codes } from './codes'
import { isOurs } from './discovery'
import { OAuthError } from './failure'
import type { Audience, SignIns, TokenAnswer } from './sign-ins'

export interface TokenDeps {
  codes: Codes
  signIns: SignIns
  /** Whether there is an applicant of this id. */
  isKnown(id: string): boolean
}

/** What both endpoints do; they throw OAuthErrors. */
export interface TokenEndpoint {
  token(request: Request, at: Audience): Promise<TokenAnswer>
  revoke(request: Request, at: Audience): Promise<void>
}

const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/

const fits = (verifier: string, challenge: string): boolean => {
  if (!VERIFIER.test(verifier)) return false
  const made = createHash('sha256').update(verifier).digest('base64url')
  return made.length === challenge.length && timingSafeEqual(Buffer.from(made), Buffer.from(challenge))
}

export function createTokenEndpoint({ codes, signIns, isKnown }: TokenDeps): TokenEndpoint {
  function clientOf(form: Parameters): string {
    const id = form.get('client_id')
    if (id === null || !isKnown(id))
      throw new OAuthError('invalid_client', 'the client is not registered here')
    return id
  }

  async function exchange(form: Parameters, applicantId: string, at: Audience): Promise<TokenAnswer> {
    const presented = codes.present(form.get('code') ?? '')
    if (presented.state === 'again') {
      // Two have it, and one of them has no right to (OAuth 2.1 section 4.1.3).
      signIns.reused(presented.signInId)
      throw new OAuthError('invalid_grant', 'the code was used before')
    }
    if (presented.state === 'unknown')
      throw new OAuthError('invalid_grant', 'the code is not known, or ran out')
    const { facts } = presented
    const redirectUri = form.get('redirect_uri')
    if (facts.applicantId !== applicantId)
      throw new OAuthError('invalid_grant', 'the code was given to another client')
    if (redirectUri !== null && redirectUri !== facts.redirectUri)
      throw new OAuthError('invalid_grant', 'redirect_uri is not that of the request')
    if (!fits(form.get('code_verifier') ?? '', facts.challenge))
      throw new OAuthError('invalid_grant', 'code_verifier does not fit the code')
    const { id, tokens } = await signIns.begin({ clientId: facts.clientId, applicantId }, at)
    presented.spend(id)
    return tokens
  }

  return {
    async token(request, at) {
      const form = await readForm(request)
      const applicantId = clientOf(form)
      if (!isOurs(form.resources, at))
        throw new OAuthError('invalid_target', 'the resource is not served here')
      switch (form.get('grant_type')) {
        case 'authorization_code':
          return exchange(form, applicantId, at)
        case 'refresh_token':
          return signIns.refresh(form.get('refresh_token') ?? '', applicantId, at)
        case null:
          throw new OAuthError('invalid_request', 'grant_type is missing')
        default:
          throw new OAuthError('unsupported_grant_type', 'use authorization_code or refresh_token')
      }
    },
    async revoke(request, at) {
      const form = await readForm(request)
      const applicantId = clientOf(form)
      const token = form.get('token')
      if (token === null) throw new OAuthError('invalid_request', 'token is missing')
      // Whether it was one is nobody's business (RFC 7009 section 2.2).
      await signIns.revokeToken(token, applicantId, at)
    },
  }
}
