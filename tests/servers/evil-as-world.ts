// The words of the hostile authorization server: what a mode may change of an honest answer, and what a right client makes
// of it.

/** Where a request came in: the MCP server, its authorization server, or a third party nobody should be led to. */
export type Place = 'resource' | 'issuer' | 'other'

/** What a right client does. */
export type Outcome =
  | 'works'
  | 'refused before the browser'
  | 'refused at callback'
  | 'refused at token'
  /** The sign-in works; what comes at the next refresh fails, and the credential stays as it was. */
  | 'credential untouched'
  /** The server asks without end: at most three sign-ins, then an error that stays. */
  | 'bounded'

export type Json = Record<string, unknown>

/** One request as it arrived, in the order of arrival. */
export interface Entry {
  place: Place
  method: string
  path: string
  query: URLSearchParams
  headers: Headers
  body: string
  /** The body as a form; empty when it is none. */
  form: URLSearchParams
}

/** The addresses of a run; all three places are origins of their own on 127.0.0.1. */
export interface World {
  mcpUrl: string
  /** Origin of the MCP server. */
  resource: string
  /** The issuer as the authorization server writes it. */
  issuer: string
  /** Origin of the third party: a whole authorization server that takes whatever comes. */
  other: string
  /** How many requests came to a place, to one path if told. */
  seen: (place: Place, path?: string) => number
}

/** An honest answer changed, or another one in its place. */
export type Change<T = Json> = (answer: T, world: World, entry: Entry) => T | Response | Promise<Response>

/** One way to misbehave; everything it does not name is honest. */
export interface Mode {
  threat: number
  outcome: Outcome
  /** The path of the issuer; none unless told. */
  issuerPath?: string
  /** The one well-known path its metadata lie at, with `{path}` for the issuer's; that of RFC 8414 unless told. */
  metadataAt?: string
  /** `WWW-Authenticate` of a 401; null for none. */
  challenge?: (world: World) => string | null
  /** The protected-resource metadata (RFC 9728). */
  protectedResource?: Change
  /** The authorization-server metadata (RFC 8414). */
  metadata?: Change
  /** The answer to a registration (RFC 7591). */
  registration?: Change
  /** What goes back to the client by way of the browser. */
  callback?: Change<URLSearchParams>
  /** The answer to a code. */
  token?: Change
  /** The answer to a refresh token. */
  refresh?: Change
  /** The answer to a revocation. */
  revocation?: Change
  /** Looks at a request to the MCP server first; null lets it through. */
  mcp?: (entry: Entry, world: World) => Response | null
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })

/** An error of OAuth (RFC 6749, section 5.2). */
export const oauthError = (error: string, status = 400, more: Json = {}): Response =>
  json({ error, ...more }, status)
