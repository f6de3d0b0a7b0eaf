import { afterAll, beforeEach, expect, test } from 'bun:test'
import { createTokenEndpoint } from '../../gateway/oauth/token-endpoint'
import { systemRuntime } from '../../gateway/runtime'
import { Secret } from '../../gateway/secrets/secret'
import { metadataOf, oddSecret, registrationAt } from '../support/oauth-parts'
import { rejection, testFetch } from '../support/remote-leg'

interface Asked {
  path: string
  headers: Headers
  form: URLSearchParams
}

const asked: Asked[] = []
let answer: () => Response = () => Response.json({ access_token: 'a', token_type: 'bearer' })
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: async (request) => {
    asked.push({
      path: new URL(request.url).pathname,
      headers: request.headers,
      form: new URLSearchParams(await request.text()),
    })
    return answer()
  },
})
const issuer = `http://127.0.0.1:${server.port}`
const typedUrl = `${issuer}/mcp`
const endpoint = createTokenEndpoint({
  safeFetch: testFetch(),
  runtime: { ...systemRuntime, now: () => 1_000_000 },
})
const refresh = (patch: Parameters<typeof registrationAt>[1] = {}, scope: string | null = 'read write') =>
  endpoint.refresh(metadataOf(issuer), registrationAt(issuer, patch), {
    ...{ refreshToken: new Secret('old refresh'), scope, resource: typedUrl, typedUrl },
  })

beforeEach(() => {
  asked.length = 0
})
afterAll(() => server.stop(true))

test('[oauth.refresh] a code is traded with its verifier, redirect uri and resource, each once', async () => {
  answer = () =>
    Response.json({
      ...{ access_token: 'new.access', token_type: 'bEARER', expires_in: 60, refresh_token: 'new refresh' },
      ...{ scope: 'read', id_token: 'whatever', extra: { claims: true } },
    })
  const grant = await endpoint.exchange(metadataOf(issuer), registrationAt(issuer), {
    code: new Secret('the code'),
    verifier: new Secret('the verifier'),
    redirectUri: 'http://127.0.0.1:9315/oauth/callback',
    resource: typedUrl,
    typedUrl,
  })
  expect(asked.map(({ path }) => path)).toEqual(['/token'])
  expect([...(asked[0]?.form ?? [])].toSorted()).toEqual([
    ['client_id', 'our client'],
    ['code', 'the code'],
    ['code_verifier', 'the verifier'],
    ['grant_type', 'authorization_code'],
    ['redirect_uri', 'http://127.0.0.1:9315/oauth/callback'],
    ['resource', typedUrl],
  ])
  expect(asked[0]?.headers.get('accept')).toBe('application/json')
  const { accessToken, refreshToken, ...times } = grant
  expect([accessToken.reveal(), refreshToken?.reveal()]).toEqual(['new.access', 'new refresh'])
  expect(times).toEqual({ scope: 'read', issuedAt: 1_000_000, expiresAt: 1_060_000 })
})

test('[oauth.refresh] a refresh asks for the granted scope and the resource; what is not said stays', async () => {
  answer = () => Response.json({ access_token: 'new', token_type: 'Bearer' })
  const grant = await refresh()
  expect([...(asked[0]?.form ?? [])].toSorted()).toEqual([
    ['client_id', 'our client'],
    ['grant_type', 'refresh_token'],
    ['refresh_token', 'old refresh'],
    ['resource', typedUrl],
    ['scope', 'read write'],
  ])
  expect([grant.refreshToken, grant.scope, grant.expiresAt]).toEqual([null, 'read write', null])
  await refresh({}, null)
  expect(asked[1]?.form.has('scope')).toBe(false)
})

test('[oauth.refresh] a client secret goes as its issuer wants it', async () => {
  await refresh({ authMethod: 'client_secret_post', clientSecret: oddSecret })
  expect(asked[0]?.form.get('client_secret')).toBe(oddSecret.reveal())
  expect(asked[0]?.headers.has('authorization')).toBe(false)
  await refresh({ authMethod: 'client_secret_basic', clientSecret: oddSecret, clientId: 'a-b.c_d' })
  expect(asked[1]?.form.has('client_secret')).toBe(false)
  const basic = asked[1]?.headers.get('authorization') ?? ''
  const [id = '', secret = ''] = Buffer.from(basic.replace('Basic ', ''), 'base64').toString().split(':')
  expect(id).toBe('a-b.c_d')
  expect(new URLSearchParams(`x=${secret}`).get('x')).toBe(oddSecret.reveal())
  expect((await rejection(refresh({ authMethod: 'client_secret_basic' }))).code).toBe('oauth.refused')
})

test('[oauth.refresh] no and not now are different errors, and neither repeats what the issuer wrote', async () => {
  answer = () => Response.json({ error: 'invalid_grant', error_description: 'SECRET' }, { status: 400 })
  const refused = await rejection(refresh())
  expect([refused.code, refused.message]).toEqual([
    'oauth.refused',
    'the authorization server refuses: invalid_grant',
  ])
  answer = () => Response.json({ error: 'bad_refresh_token' })
  expect((await rejection(refresh())).code).toBe('oauth.refused')
  for (const error of ['invalid_client', 'invalid_target', 'access_denied', 'interaction_required']) {
    answer = () => Response.json({ error }, { status: 401 })
    expect(`${error} ${(await rejection(refresh())).code}`).toBe(`${error} oauth.refused`)
  }
  answer = () => Response.json({ error: 'SECRET\u202e' }, { status: 401 })
  const unnamed = await rejection(refresh())
  expect([unnamed.code, unnamed.message.includes('SECRET')]).toEqual(['oauth.unreachable', false])
  for (const [status, error] of [
    [403, 'forbidden'],
    [404, 'not_found'],
    [400, 'rate_limited'],
  ] as const) {
    answer = () => Response.json({ error }, { status })
    expect(`${error} ${(await rejection(refresh())).code}`).toBe(`${error} oauth.unreachable`)
  }
  answer = () => new Response('SECRET', { status: 502 })
  const later = await rejection(refresh())
  expect([later.code, later.message.includes('SECRET')]).toEqual(['oauth.unreachable', false])
})

test('[oauth.refresh] an issuer that is silent is given up, and one that is gone is unreachable', async () => {
  const waits: number[] = []
  const impatient = createTokenEndpoint({
    safeFetch: testFetch(),
    runtime: {
      now: Date.now,
      sleep: (ms, signal) => (waits.push(ms), systemRuntime.sleep(50, signal)),
    },
  })
  answer = () => new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }))
  const request = { refreshToken: new Secret('x'), scope: null, resource: typedUrl, typedUrl }
  const at = registrationAt(issuer)
  expect((await rejection(impatient.refresh(metadataOf(issuer), at, request))).code).toBe('oauth.unreachable')
  expect(waits).toEqual([10_000])
  const gone = metadataOf('http://127.0.0.1:1')
  expect((await rejection(endpoint.refresh(gone, at, request))).code).toBe('oauth.unreachable')
})

test('[oauth.refresh] a revocation names the token and never fails', async () => {
  answer = () => new Response(null, { status: 503 })
  await endpoint.revoke(metadataOf(issuer), registrationAt(issuer), new Secret('over'), typedUrl)
  expect([asked[0]?.path, asked[0]?.form.get('token')]).toEqual(['/revoke', 'over'])
  const none = metadataOf(issuer, { revocationEndpoint: null })
  await endpoint.revoke(none, registrationAt(issuer), new Secret('over'), typedUrl)
  expect(asked.length).toBe(1)
})
