// The words of our sign-ins at the authorization servers of upstreams (OAuth 2.1; MCP 2026-07-28, authorization).

/** How far one sign-in is. `waiting` for the browser; `received`: the code came back and is being traded. */
export type FlowPhase = 'waiting' | 'received' | 'done' | 'failed' | 'cancelled' | 'expired'

/** How our program is known to an authorization server. */
export type RegistrationKind = 'given' | 'document' | 'dynamic'

export type ClientAuthMethod = 'none' | 'client_secret_basic' | 'client_secret_post'

/**
 * Why a person is needed. `first`: nobody is signed in; `refused`: the tokens do not count any more; `expired`: they ran
 * out and cannot be renewed; `scope`: the server asks for more than was allowed.
 */
export type SignInNeed = 'first' | 'refused' | 'expired' | 'scope'

/**
 * What a person is needed for once one thing more was found out. Who has to sign in anew is asked for that, and for more
 * rights by the way.
 */
export const joinedNeed = (before: SignInNeed | null, found: SignInNeed): SignInNeed =>
  before === null || before === 'scope' ? found : before

/** What is left of it when tokens were renewed after all: wider rights are as wanted as before. */
export const needOnceRenewed = (before: SignInNeed | null, wantedScope: string | null): SignInNeed | null =>
  before === 'scope' || wantedScope !== null ? 'scope' : null

/** The reason in words, after "sign-in needed". */
export const signInReasons: Readonly<Record<SignInNeed, string>> = {
  first: 'nobody is signed in',
  refused: 'the sign-in does not count any more',
  expired: 'the sign-in ran out',
  scope: 'the server asks for more rights',
}

/**
 * What an authorization server says of itself (RFC 8414, section 2), checked, as far as a sign-in and what comes after it
 * need it. `issuer` is exactly the text it was asked for under.
 */
export interface IssuerMetadata {
  issuer: string
  authorizationEndpoint: string
  tokenEndpoint: string
  registrationEndpoint: string | null
  revocationEndpoint: string | null
  /** Whether it takes the address of a document as a client id. */
  takesDocuments: boolean
  /** Whether its answers name it (RFC 9207). */
  namesItself: boolean
  authMethods: readonly string[] | null
  scopes: readonly string[] | null
}

/** What a token endpoint gave (RFC 6749, section 5.1), checked. Times in epoch milliseconds. */
export interface TokenTimes {
  scope: string | null
  issuedAt: number
  /** Null when the answer did not say. */
  expiresAt: number | null
}
