// The hostile authorization server must be a right one where it is honest, or its modes show nothing.
import { type AuthProvider, Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { OAuthClientProvider } from '@modelcontextprotocol/client'
import { expect, test } from 'bun:test'
import { modes, modesOf } from '../servers/evil-as-modes'
import { type EvilAs, startEvilAs } from '../support/evil-as'

/** Keeps what the SDK gives it; `asked` are the addresses it wanted opened. */
function memoryProvider(): OAuthClientProvider & AuthProvider & { asked: URL[] } {
  const asked: URL[] = []
  let client: Awaited<ReturnType<OAuthClientProvider['clientInformation']>>
  let tokens: Awaited<ReturnType<OAuthClientProvider['tokens']>>
  let verifier = ''
  return {
    asked,
    redirectUrl: 'http://127.0.0.1:1/callback',
    clientMetadata: {
      client_name: 'peer',
      redirect_uris: ['http://127.0.0.1:1/callback'],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'a-state-of-the-peer-of-this-test',
    clientInformation: () => client,
    saveClientInformation: (given) => void (client = given),
    tokens: () => tokens,
    token: async () => (await tokens)?.access_token,
    saveTokens: (given) => void (tokens = given),
    redirectToAuthorization: (url) => void asked.push(url),
    saveCodeVerifier: (given) => void (verifier = given),
    codeVerifier: () => verifier,
  }
}

/** Signs an unmodified client in, as its documentation says, and has it call. */
async function signIn(evil: EvilAs): Promise<{ said: string; call: () => Promise<string> }> {
  const authProvider = memoryProvider()
  const transport = () => new StreamableHTTPClientTransport(new URL(evil.mcpUrl), { authProvider })
  const first = transport()
  await expect(new Client({ name: 'peer', version: '1' }).connect(first)).rejects.toThrow()
  const callback = await evil.browse(String(authProvider.asked[0]))
  await first.finishAuth(callback.searchParams)
  const client = new Client({ name: 'peer', version: '1' })
  await client.connect(transport())
  const call = async () => {
    const { content } = await client.callTool({ name: 'whoami', arguments: {} })
    return JSON.stringify(content)
  }
  return { said: await call(), call }
}

test('[house] the honest mode signs an unmodified SDK client in, and renews its token', async () => {
  await using evil = await startEvilAs()
  const { said, call } = await signIn(evil)
  expect(said).toContain('whoami')
  evil.grants.expireAccess()
  expect(await call()).toContain('whoami')
  expect(evil.at('issuer', '/token').map(({ form }) => form.get('grant_type'))).toEqual([
    'authorization_code',
    'refresh_token',
  ])
  expect(evil.secretsAt('issuer').length).toBeGreaterThan(0)
  expect(evil.secretsAt('other')).toEqual([])
})

test('[house] a code and a refresh token are good once, and for whom they are', async () => {
  await using evil = await startEvilAs()
  await signIn(evil)
  const [trade] = evil.at('issuer', '/token')
  const again = () =>
    fetch(`${evil.issuer}/token`, { method: 'POST', body: new URLSearchParams(trade?.form.toString()) })
  const [family] = evil.grants.families.values()
  expect(family?.revoked).toBe(false)
  expect((await again()).status).toBe(400)
  expect(family?.revoked).toBe(true)
})

test('[house] there are modes of every threat a sign-in has to do with, with names of their own', () => {
  expect(Object.keys(modes).length).toBeGreaterThan(60)
  for (const threat of [27, 28, 29, 30, 31, 33, 34, 35, 36, 38, 39, 40, 41])
    expect({ threat, some: modesOf(threat).length > 0 }).toEqual({ threat, some: true })
})

for (const name of ['resource-other-port', 'issuer-upper-case', 'iss-other', 'token-type-mac'])
  test(`[house] a mode misbehaves: ${name}`, async () => {
    await using evil = await startEvilAs({ mode: name })
    await using honest = await startEvilAs()
    const seen = async ({ mcpUrl, resource, issuer, browse }: EvilAs) => {
      const texts = await Promise.all(
        [
          `${resource}/.well-known/oauth-protected-resource/mcp`,
          `${issuer}/.well-known/oauth-authorization-server`,
        ].map(async (url) => (await fetch(url)).text()),
      )
      const query = new URLSearchParams({
        client_id: 'https://client.example/client.json',
        redirect_uri: 'http://127.0.0.1:1/callback',
        response_type: 'code',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
        state: 'a-state-of-the-peer-of-this-test',
        resource: mcpUrl,
      })
      const { searchParams } = await browse(`${issuer}/authorize?${query}`)
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: 'https://client.example/client.json',
          code: searchParams.get('code') ?? '',
          // RFC 7636, appendix B.
          code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
          redirect_uri: 'http://127.0.0.1:1/callback',
          resource: mcpUrl,
        }),
      })
      searchParams.delete('code')
      const tokens = (await answer.json()) as Record<string, unknown>
      return `${texts.join()} ${searchParams} ${String(tokens.token_type)}`
        .replaceAll(resource, 'RESOURCE')
        .replaceAll(issuer, 'ISSUER')
        .replaceAll(encodeURIComponent(issuer), 'ISSUER')
    }
    expect(await seen(honest)).toContain('Bearer')
    expect(await seen(evil)).not.toBe(await seen(honest))
  })
