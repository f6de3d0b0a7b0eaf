import type { IssuerMetadata } from '../../gateway/domain/authorization'
import type { Registration } from '../../gateway/oauth/grant'
import { Secret } from '../../gateway/secrets/secret'

export const metadataOf = (issuer: string, patch: Partial<IssuerMetadata> = {}): IssuerMetadata => ({
  issuer,
  authorizationEndpoint: `${issuer}/auth`,
  tokenEndpoint: `${issuer}/token`,
  registrationEndpoint: null,
  revocationEndpoint: `${issuer}/revoke`,
  takesDocuments: false,
  namesItself: false,
  authMethods: null,
  scopes: null,
  ...patch,
})

export const registrationAt = (issuer: string, patch: Partial<Registration> = {}): Registration => ({
  issuer,
  kind: 'given',
  clientId: 'our client',
  authMethod: 'none',
  redirectUri: 'http://127.0.0.1:9315/oauth/callback',
  clientSecret: null,
  secretExpiresAt: null,
  ...patch,
})

/** A client secret with letters that a form escapes. */
export const oddSecret = new Secret('s-e_c.r~e t:+%/ü')
