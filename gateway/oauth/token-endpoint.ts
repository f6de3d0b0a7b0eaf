import {
  allowInsecureRequests,
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  customFetch,
  genericTokenEndpointRequest,
  None,
  ClientSecretPost,
  revocationRequest,
} from 'oauth4webapi'
import type { IssuerMetadata } from '../domain/authorization'
import { GatewayError } from '../errors'
import type { SafeFetch } from '../net/safe-fetch'
import type { Runtime } from '../runtime'
import type { Secret } from '../secrets/secret'
import { createOAuthFetch } from './fetch'
import type { Registration, TokenGrant } from './grant'
import { readTokenAnswer } from './token-answer'

/**
 * Requests to the token endpoint of one issuer. `typedUrl` is the server's address: the only private place they may
 * lead to is its host. Rejects with `RefusedError` (`oauth.refused`) when the issuer says no, and with
 * `oauth.unreachable` for all else that goes wrong, which says nothing about the credential.
 */
export interface TokenEndpoint {
  /** Trades the code of an authorization response for tokens (RFC 6749, section 4.1.3; RFC 7636). */
  exchange(
    at: IssuerMetadata,
    registration: Registration,
    request: { code: Secret; verifier: Secret; redirectUri: string; resource: string; typedUrl: string },
  ): Promise<TokenGrant>
  /**
   * Trades a refresh token for new tokens (RFC 6749, section 6). `scope` as it was granted; null when unknown. The
   * refresh token of the result is null when the old one stays good.
   */
  refresh(
    at: IssuerMetadata,
    registration: Registration,
    request: { refreshToken: Secret; scope: string | null; resource: string; typedUrl: string },
  ): Promise<TokenGrant>
  /** Tells the issuer that a token is over (RFC 7009). Best effort: false when it could not be told. */
  revoke(at: IssuerMetadata, registration: Registration, token: Secret, typedUrl: string): Promise<boolean>
}

export function createTokenEndpoint(deps: {
  safeFetch: SafeFetch
  runtime: Pick<Runtime, 'now' | 'sleep'>
}): TokenEndpoint {
  const { runtime } = deps
  const fetchFor = createOAuthFetch(deps)

  /** Redirects are refused there, and unencrypted http to other machines. */
  const through = (typedUrl: string) => ({
    [allowInsecureRequests]: true,
    [customFetch]: fetchFor(typedUrl),
  })

  async function ask(
    at: IssuerMetadata,
    registration: Registration,
    grantType: string,
    parameters: Record<string, string>,
    typedUrl: string,
  ): Promise<TokenGrant> {
    try {
      const response = await genericTokenEndpointRequest(
        serverOf(at),
        clientOf(registration),
        authenticationOf(registration),
        grantType,
        parameters,
        through(typedUrl),
      )
      return readTokenAnswer(response, await response.bytes(), runtime.now())
    } catch (thrown) {
      throw failureOf(thrown)
    }
  }

  return {
    exchange: (at, registration, { code, verifier, redirectUri, resource, typedUrl }) =>
      ask(
        at,
        registration,
        'authorization_code',
        {
          code: code.reveal(),
          code_verifier: verifier.reveal(),
          redirect_uri: redirectUri,
          resource,
        },
        typedUrl,
      ),
    async refresh(at, registration, { refreshToken, scope, resource, typedUrl }) {
      const parameters: Record<string, string> = { refresh_token: refreshToken.reveal(), resource }
      if (scope !== null) parameters.scope = scope
      const grant = await ask(at, registration, 'refresh_token', parameters, typedUrl)
      return { ...grant, scope: grant.scope ?? scope }
    },
    async revoke(at, registration, token, typedUrl) {
      if (at.revocationEndpoint === null) return false
      try {
        const { status } = await revocationRequest(
          serverOf(at),
          clientOf(registration),
          authenticationOf(registration),
          token.reveal(),
          through(typedUrl),
        )
        return status === 200
      } catch {
        // The tokens are removed here whatever their issuer makes of it.
        return false
      }
    },
  }
}

const serverOf = (at: IssuerMetadata): AuthorizationServer => ({
  issuer: at.issuer,
  token_endpoint: at.tokenEndpoint,
  revocation_endpoint: at.revocationEndpoint ?? undefined,
})

const clientOf = ({ clientId }: Registration): Client => ({ client_id: clientId })

/** RFC 6749, section 2.3.1. Throws `oauth.refused` when the registration has no secret though it needs one. */
function authenticationOf({ authMethod, clientId, clientSecret }: Registration): ClientAuth {
  if (authMethod === 'none') return None()
  if (clientSecret === null) throw new GatewayError('oauth.refused', 'the client secret is missing')
  if (authMethod === 'client_secret_post') return ClientSecretPost(clientSecret.reveal())
  // Escapes no more than it must: there are issuers that do not undo it.
  const credentials = `${formText(clientId)}:${formText(clientSecret.reveal())}`
  return (_server, _client, _body, headers) =>
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
}

const formText = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

function failureOf(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError && thrown.code.startsWith('oauth.')) return thrown
  const why = thrown instanceof GatewayError ? thrown.message : 'it could not be asked'
  return new GatewayError('oauth.unreachable', why, { cause: thrown })
}
