import type { ClientAuthMethod, RegistrationKind, TokenTimes } from '../domain/authorization'
import type { Secret } from '../secrets/secret'

/** The server tokens are for, and where they come from and may go: what they are stored and sealed under. */
export interface Binding {
  serverId: string
  spaceId: string
  issuer: string
  /** The resource indicator they were asked for with (RFC 8707); requests elsewhere never carry them. */
  resource: string
}

/** Our client id at one issuer, opened. */
export interface Registration {
  issuer: string
  kind: RegistrationKind
  clientId: string
  authMethod: ClientAuthMethod
  redirectUri: string
  clientSecret: Secret | null
  /** Epoch milliseconds; null for never. */
  secretExpiresAt: number | null
}

/** What a token endpoint gave, checked. */
export interface TokenGrant extends TokenTimes {
  accessToken: Secret
  refreshToken: Secret | null
}
