// Dynamic registration (RFC 7591), and its end (RFC 7592).
import type { ClientAuthMethod, IssuerMetadata } from '../domain/authorization'
import { GatewayError } from '../errors'
import { endpointOf } from './addresses'
import { jsonOf, textsOf } from './documents'
import type { OAuthFetch } from './fetch'
import { type HeldRegistration, isClientText, type Management } from './registrations'
import { Secret } from '../secrets/secret'

const refused = (why: string) => new GatewayError('oauth.registration_refused', why)

/** Ways we prove ourselves, the one with the least to lose first. */
const methods: readonly ClientAuthMethod[] = ['none', 'client_secret_basic', 'client_secret_post']

/** How a client without a secret, or with one, proves itself at this issuer; null when there is no way. */
export function authMethodAt({ authMethods }: IssuerMetadata, hasSecret: boolean): ClientAuthMethod | null {
  const fitting = methods.filter((method) => (method === 'none') !== hasSecret)
  if (authMethods === null) return fitting[0] ?? null
  return fitting.find((method) => authMethods.includes(method)) ?? null
}

/** What McpMux says of itself, also in the document that stands for it (see docs/sign-in-at-servers.md). */
export const clientMetadata = (redirectUris: readonly string[]) => ({
  client_name: 'McpMux',
  application_type: 'native',
  redirect_uris: redirectUris,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
})

/** Members of an answer, with what must be among their values. */
const needed = [
  ['grant_types', 'authorization_code'],
  ['response_types', 'code'],
] as const

/** What was registered; it must be what was asked for. */
function read(
  answer: Readonly<Record<string, unknown>>,
  asked: {
    metadata: IssuerMetadata
    method: ClientAuthMethod
    redirectUri: string
    typedUrl: string
    now: number
  },
): HeldRegistration {
  const { client_id, client_secret, client_secret_expires_at: end, redirect_uris } = answer
  if (!isClientText(client_id)) throw refused('it gave no usable client id')
  if (client_secret !== undefined && client_secret !== null && !isClientText(client_secret))
    throw refused('it gave no usable client secret')
  if (redirect_uris !== undefined && JSON.stringify(redirect_uris) !== JSON.stringify([asked.redirectUri]))
    throw refused('it registered another redirect address')
  for (const [name, wanted] of needed)
    if (answer[name] !== undefined && textsOf(answer[name])?.includes(wanted) !== true)
      throw refused('it registered another kind of sign-in')
  const method = methodOf(answer, asked)
  const secret = method === 'none' || !isClientText(client_secret) ? null : new Secret(client_secret)
  if (method !== 'none' && !secret) throw refused('it gave no client secret')
  const dated = typeof end === 'number' && Number.isSafeInteger(end) && end > 0
  if (secret && dated && end * 1000 <= asked.now) throw refused('the client secret it gave ran out already')
  return {
    issuer: asked.metadata.issuer,
    kind: 'dynamic',
    clientId: client_id,
    authMethod: method,
    redirectUri: asked.redirectUri,
    clientSecret: secret,
    secretExpiresAt: secret && dated ? end * 1000 : null,
    management: managementOf(answer, asked),
  }
}

function methodOf(
  { token_endpoint_auth_method: method, client_secret }: Readonly<Record<string, unknown>>,
  asked: { metadata: IssuerMetadata; method: ClientAuthMethod },
): ClientAuthMethod {
  if (method === undefined && asked.metadata.authMethods === null && isClientText(client_secret))
    return 'client_secret_basic'
  if (method !== undefined && method !== asked.method)
    throw refused('it registered another way to prove McpMux')
  return asked.method
}

function managementOf(
  { registration_client_uri: uri, registration_access_token: token }: Readonly<Record<string, unknown>>,
  { metadata, typedUrl }: { metadata: IssuerMetadata; typedUrl: string },
): Management | null {
  const at = endpointOf(uri, typedUrl)
  if (!at || at.origin !== new URL(metadata.registrationEndpoint ?? '').origin) return null
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,8192}$/.test(token)) return null
  return { uri: at.href, token: new Secret(token) }
}

/** Registers McpMux as a native application. Throws `oauth.registration_refused`, `oauth.unreachable`, and `net.*`. */
export async function register(
  fetch: OAuthFetch,
  request: {
    metadata: IssuerMetadata & { registrationEndpoint: string }
    redirectUri: string
    typedUrl: string
    now: number
  },
): Promise<HeldRegistration> {
  const { metadata, redirectUri } = request
  const method = authMethodAt(metadata, false) ?? authMethodAt(metadata, true)
  if (!method) throw refused('there is no way to prove McpMux that both know')
  const response = await fetch(metadata.registrationEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...clientMetadata([redirectUri]),
      // No scope: it would be the most that can ever be asked for, and a server may want more later.
      token_endpoint_auth_method: method,
    }),
  })
  const answer = await jsonOf(response)
  if (response.status >= 500 || response.status === 429)
    throw new GatewayError('oauth.unreachable', `HTTP ${response.status} to a registration`)
  if (response.status !== 201 && response.status !== 200) {
    const error =
      typeof answer?.error === 'string' && /^[a-z_]{1,64}$/.test(answer.error) ? answer.error : null
    throw refused(error ?? `HTTP ${response.status}`)
  }
  if (!answer) throw refused('its answer is no JSON object')
  return read(answer, { ...request, method })
}

/** Ends a dynamic registration, if its issuer takes that. Best effort: resolves in every case. */
export async function deregister(fetch: OAuthFetch, { management }: HeldRegistration): Promise<void> {
  if (!management) return
  const headers = { authorization: `Bearer ${management.token.reveal()}` }
  await fetch(management.uri, { method: 'DELETE', headers }).catch(() => undefined)
}
