// A token endpoint with strict rotation: a refresh token is good once, and one that comes back ends its family.
import type { TokenGrant } from '../../gateway/oauth/grant'
import { Secret } from '../../gateway/secrets/secret'
import { Grants, type Family } from '../servers/evil-as-grants'
import { metadataOf, registrationAt } from './oauth-parts'

export interface TokenIssuer extends Disposable {
  url: string
  /** Forms of the requests for tokens, in order. */
  asked: URLSearchParams[]
  revoked: string[]
  grants: Grants
  /** Seconds its access tokens live; null says none. */
  life: number | null
  /** Answers in the place of tokens, and is told of the form. */
  instead: ((form: URLSearchParams) => Response | Promise<Response> | null) | null
  /** Runs when tokens were given and before the answer leaves. */
  before: (() => void | Promise<void>) | null
  metadata: ReturnType<typeof metadataOf>
  registration: ReturnType<typeof registrationAt>
  /** What a person who signs in gets. */
  begin(resource: string, now: number, scope?: string): TokenGrant & { refreshToken: Secret; family: Family }
}

export function tokenIssuer(): TokenIssuer {
  const grants = new Grants()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const form = new URLSearchParams(await request.text())
      if (new URL(request.url).pathname === '/revoke') {
        issuer.revoked.push(form.get('token') ?? '')
        return new Response(null)
      }
      issuer.asked.push(form)
      const other = await issuer.instead?.(form)
      if (other) return other
      const used = form.get('refresh_token') ?? ''
      const family = grants.byRefresh(used)
      const newest = family?.refresh.at(-1) === used
      if (family && !newest) family.revoked = true
      if (!family || family.revoked) return Response.json({ error: 'invalid_grant' }, { status: 400 })
      const tokens = grants.tokens(family)
      await issuer.before?.()
      return Response.json({
        ...tokens,
        token_type: 'Bearer',
        ...(issuer.life !== null && { expires_in: issuer.life }),
      })
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  const issuer: TokenIssuer = {
    url,
    asked: [],
    revoked: [],
    grants,
    life: 3600,
    instead: null,
    before: null,
    metadata: metadataOf(url),
    registration: registrationAt(url),
    begin(resource, now, scope = 'read') {
      const family = grants.begin({
        ...{ clientId: 'our client', redirectUri: '', challenge: '', resource, scope, used: null },
      })
      const { access_token, refresh_token } = grants.tokens(family)
      return {
        accessToken: new Secret(access_token),
        refreshToken: new Secret(refresh_token),
        scope,
        issuedAt: now,
        expiresAt: issuer.life === null ? null : now + issuer.life * 1000,
        family,
      }
    },
    [Symbol.dispose]: () => void server.stop(true),
  }
  return issuer
}
