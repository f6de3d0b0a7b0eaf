// The authorization server: metadata, registration, codes with PKCE, tokens that rotate, revocation. Honest and strict by
// itself; a mode changes single answers.
import { createHash } from 'node:crypto'
import { type Code, type Grants, issue, type RegisteredClient, type Tokens } from './evil-as-grants'
import { type Change, type Entry, type Json, json, type Mode, oauthError, type World } from './evil-as-world'

export interface IssuerOptions {
  issuer: string
  world: () => World
  mode: () => Mode
  grants: Grants
  /** Seconds an access token is said to live. */
  lifetime: () => number
  authMethods: readonly string[]
}

async function changed(
  honest: Json,
  change: Change | undefined,
  world: World,
  entry: Entry,
): Promise<Response> {
  const answer = change ? await change(honest, world, entry) : honest
  return answer instanceof Response ? answer : json(answer)
}

/** Answers for the paths of an authorization server; null for every other. */
export function createIssuer(options: IssuerOptions): (entry: Entry) => Promise<Response | null> {
  const { grants, world, mode } = options
  const at = (path: string) => `${options.issuer}${path}`

  const metadata = (): Json => ({
    issuer: options.issuer,
    authorization_endpoint: at('/authorize'),
    token_endpoint: at('/token'),
    registration_endpoint: at('/register'),
    revocation_endpoint: at('/revoke'),
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: options.authMethods,
    scopes_supported: ['tools:read', 'tools:admin', 'offline_access'],
    authorization_response_iss_parameter_supported: true,
  })

  function register(entry: Entry): Promise<Response> | Response {
    const wanted = JSON.parse(entry.body) as Json & {
      redirect_uris?: string[]
      token_endpoint_auth_method?: string
    }
    if (!Array.isArray(wanted.redirect_uris) || wanted.redirect_uris.length === 0)
      return oauthError('invalid_redirect_uri')
    const authMethod = wanted.token_endpoint_auth_method ?? 'client_secret_basic'
    if (!options.authMethods.includes(authMethod)) return oauthError('invalid_client_metadata')
    const client: RegisteredClient = {
      id: issue('client'),
      secret: authMethod === 'none' ? null : issue('secret'),
      authMethod,
      redirectUris: wanted.redirect_uris,
    }
    grants.clients.set(client.id, client)
    const secret = client.secret ? { client_secret: client.secret, client_secret_expires_at: 0 } : {}
    const answer = { ...wanted, client_id: client.id, token_endpoint_auth_method: authMethod, ...secret }
    return changed(answer, mode().registration, world(), entry)
  }

  async function authorize(entry: Entry): Promise<Response> {
    const asked = entry.query
    const repeated = [...new Set(asked.keys())].filter((name) => asked.getAll(name).length > 1)
    if (repeated.length > 0) return oauthError('invalid_request', 400, { repeated })
    const value = (name: string) => asked.get(name) ?? ''
    const client = clientOf(value('client_id'))
    const redirectUri = value('redirect_uri')
    if (!client || (client.redirectUris && !client.redirectUris.includes(redirectUri)))
      return oauthError('invalid_request', 400, { client_id: value('client_id'), redirectUri })
    const challenge = value('code_challenge')
    const good =
      value('response_type') === 'code' &&
      value('code_challenge_method') === 'S256' &&
      /^[\w-]{43}$/.test(challenge) &&
      value('state').length >= 22 &&
      value('resource') !== ''
    if (!good) return oauthError('invalid_request', 400, { asked: entry.query.toString() })
    const code = issue('code')
    const granted = { clientId: client.id, redirectUri, challenge, resource: value('resource') }
    grants.codes.set(code, { ...granted, scope: value('scope'), used: null })
    const answer = new URLSearchParams({ code, state: value('state'), iss: options.issuer })
    const sent = mode().callback?.(answer, world(), entry) ?? answer
    if (!(sent instanceof URLSearchParams)) return sent
    const location = `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${sent}`
    return new Response(null, { status: 302, headers: { location } })
  }

  /** A client that is known, or the address of a document of one. */
  function clientOf(id: string): RegisteredClient | undefined {
    const known = grants.clients.get(id)
    if (known || !id.startsWith('https://')) return known
    return { id, secret: null, authMethod: 'none', redirectUris: null }
  }

  function authenticated({ headers, form }: Entry): RegisteredClient | null {
    const basic = /^Basic (.+)$/.exec(headers.get('authorization') ?? '')?.[1]
    const pair = basic === undefined ? null : Buffer.from(basic, 'base64').toString().split(':')
    const [id, secret] = pair?.map((part) => decodeURIComponent(part.replaceAll('+', ' '))) ?? [
      form.get('client_id') ?? '',
      form.get('client_secret'),
    ]
    const client = clientOf(id ?? '')
    const used = pair ? 'client_secret_basic' : secret ? 'client_secret_post' : 'none'
    return client && client.authMethod === used && (client.secret ?? null) === (secret ?? null)
      ? client
      : null
  }

  function trade(client: RegisteredClient, entry: Entry): Promise<Response> | Response {
    const { form } = entry
    const code = grants.codes.get(form.get('code') ?? '')
    const family = code?.used ? grants.families.get(code.used) : undefined
    if (family) family.revoked = true
    if (!code || code.used || !fits(code, client, form)) return oauthError('invalid_grant')
    const begun = grants.begin(code)
    code.used = begun.id
    return answerTokens(grants.tokens(begun), begun.scope, mode().token, entry)
  }

  function fits(code: Code, client: RegisteredClient, form: URLSearchParams): boolean {
    const verifier = form.get('code_verifier') ?? ''
    return (
      /^[\w.~-]{43,128}$/.test(verifier) &&
      createHash('sha256').update(verifier).digest('base64url') === code.challenge &&
      code.clientId === client.id &&
      form.get('redirect_uri') === code.redirectUri &&
      form.getAll('resource').join(' ') === code.resource
    )
  }

  function renew(client: RegisteredClient, entry: Entry): Promise<Response> | Response {
    const token = entry.form.get('refresh_token') ?? ''
    const family = grants.byRefresh(token)
    if (!family || family.revoked || family.clientId !== client.id) return oauthError('invalid_grant')
    if (family.refresh.at(-1) !== token) {
      family.revoked = true
      return oauthError('invalid_grant', 400, { error_description: 'used before' })
    }
    if (entry.form.getAll('resource').join(' ') !== family.resource) return oauthError('invalid_target')
    // What nobody gets uses nothing up: to ask again with the same token is right.
    const given = mode().outcome !== 'credential untouched'
    return answerTokens(given ? grants.tokens(family) : grants.unknown(), family.scope, mode().refresh, entry)
  }

  function answerTokens(
    tokens: Tokens,
    scope: string,
    change: Change | undefined,
    entry: Entry,
  ): Promise<Response> {
    const answer = {
      ...tokens,
      token_type: 'Bearer',
      expires_in: options.lifetime(),
      ...(scope === '' ? {} : { scope }),
    }
    return changed(answer, change, world(), entry)
  }

  function token(entry: Entry): Promise<Response> | Response {
    const repeated = [...new Set(entry.form.keys())].some((name) => entry.form.getAll(name).length > 1)
    if (repeated) return oauthError('invalid_request')
    const client = authenticated(entry)
    if (!client) return oauthError('invalid_client', 401)
    const type = entry.form.get('grant_type')
    if (type === 'authorization_code') return trade(client, entry)
    return type === 'refresh_token' ? renew(client, entry) : oauthError('unsupported_grant_type')
  }

  function revoke(entry: Entry): Promise<Response> | Response {
    const token = entry.form.get('token') ?? ''
    const family = grants.byRefresh(token) ?? grants.byAccess(token)
    if (family) family.revoked = true
    return changed({}, mode().revocation, world(), entry)
  }

  return async (entry) => {
    const path = new URL(options.issuer).pathname.replace(/\/$/, '')
    const wellKnown = (mode().metadataAt ?? '/.well-known/oauth-authorization-server{path}').replace(
      '{path}',
      path,
    )
    if (entry.path === wellKnown) return changed(metadata(), mode().metadata, world(), entry)
    switch (`${entry.method} ${entry.path.slice(path.length)}`) {
      case 'POST /register':
        return register(entry)
      case 'GET /authorize':
        return authorize(entry)
      case 'POST /token':
        return token(entry)
      case 'POST /revoke':
        return revoke(entry)
      default:
        return null
    }
  }
}
