// The access token of a sign-in is one that we signed for this client, this endpoint and this purpose, or it is nothing.
import { expect, test } from 'bun:test'
import { isTokenShaped, signAccess } from '../../gateway/signin/access-token'
import { callBody, openSession, startDoor, until } from '../support/door'
import { forgedTokens, signed } from '../support/forged-tokens'
import { initializeBody } from '../support/raw-client'
import { originOf, postForm, refreshFields, signedIn, type Tokens } from '../support/signed-in'
import { systemRuntime } from '../../gateway/runtime'

const key = Buffer.alloc(32, 'access')
const head = { alg: 'HS256', typ: 'at+jwt' }

test('[threat.14] [threat.15] [threat.20] [signin] of all tokens that could open the endpoint only the right one does', async () => {
  await using door = await startDoor()
  const { clientId, tokens, signIn } = await signedIn(door)
  const issuer = originOf(door)
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: issuer,
    aud: `${issuer}/mcp`,
    sub: signIn.clientId,
    client_id: clientId,
    sid: signIn.id,
    jti: 'AAAAAAAAAAAAAAAAAAAAAA',
    iat: now - 60,
    exp: now + 60,
  }
  const other = door.keyFor('other')
  const forged = await forgedTokens(key, signIn.clientId, other.clientId, { head, claims })
  // For this purpose these two are right.
  delete forged['typ of an access token']
  delete forged['a very long one']
  const made = (changes: object, typ = 'at+jwt') =>
    signed(key, { alg: 'HS256', typ }, { ...claims, ...changes })
  const session = await openSession(door.url, other.text)
  Object.assign(forged, {
    'typ of a session': made({}, 'mcpmux-session+jwt'),
    'the id of a session': session,
    'a refresh token': tokens.refresh_token,
    'no exp': made({ exp: undefined }),
    'an exp far away': made({ exp: now + 86_400 }),
    'made tomorrow': made({ iat: now + 86_400, exp: now + 86_500 }),
    'run out': made({ iat: now - 1000, exp: now - 100 }),
    'no sign-in': made({ sid: undefined }),
    'an unknown sign-in': made({ sid: 'x' }),
    'a sign-in that is a list': made({ sid: [signIn.id] }),
    'no applicant': made({ client_id: undefined }),
    'another applicant': made({ client_id: 'mux-other' }),
    'for the other origin': made({ aud: `http://127.0.0.1:${door.port}/mcp` }),
    'for another port': made({ aud: 'http://localhost:1/mcp' }),
    'for us among others': made({ aud: [`${issuer}/mcp`, 'https://api.example'] }),
    'for the issuer': made({ aud: issuer }),
    'of the other origin': made({ iss: `http://127.0.0.1:${door.port}` }),
    'of the internet': made({ iss: 'https://login.example' }),
    'a token of a server': `ghp_${'x'.repeat(36)}`,
    'an opaque token of a server': 'ya29.a0AfH6SMBx.x',
  })
  expect(Object.keys(forged).length).toBeGreaterThan(70)

  const ask = (url: string, headers: Record<string, string>) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: callBody(1, 'ping'),
    })
  const url = `${issuer}/mcp`
  for (const [name, token] of Object.entries(forged)) {
    const response = await ask(url, { authorization: `Bearer ${token}` })
    // Guessing on and on is refused as such; nothing gets further either way.
    expect([name, [401, 429].includes(response.status)]).toEqual([name, true])
    if (response.status === 401)
      expect([name, response.headers.get('www-authenticate')]).toEqual([
        name,
        expect.stringContaining('error="invalid_token"'),
      ])
    await response.text()
  }
  expect(door.seen).toEqual([])

  // The right one opens one door, in one way.
  const { access_token: right } = tokens
  expect(isTokenShaped(right)).toBe(true)
  const elsewhere: [string, Record<string, string>][] = [
    [`http://127.0.0.1:${door.port}/mcp`, { authorization: `Bearer ${right}` }],
    [`http://[::1]:${door.port}/mcp`, { authorization: `Bearer ${right}` }],
    [url, { authorization: `MCP-Key ${right}` }],
    [url, { 'mcp-key': right }],
    [url, { authorization: `Basic ${right}` }],
    [url, { authorization: `Bearer ${right}`, 'mcp-key': right }],
    [url, { authorization: `Bearer ${right}, Bearer ${right}` }],
    [`${url}?access_token=${right}`, {}],
    [url, { cookie: `access_token=${right}` }],
  ]
  for (const [at, headers] of elsewhere) expect([401, 429]).toContain((await ask(at, headers)).status)
  const opened = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `bearer ${right}` },
    body: initializeBody(),
  })
  expect(opened.status).toBe(200)
  // Of a session it is no proof: that needs the token of its client as well.
  const sessionId = opened.headers.get('mcp-session-id') ?? ''
  expect(
    (await ask(url, { authorization: `Bearer ${other.text}`, 'mcp-session-id': sessionId })).status,
  ).toBe(404)
  expect(door.problems).toEqual([])
})

test('[threat.14] [signin] a token is of use for fifteen minutes, and as long as its key is there', async () => {
  let now = Date.now()
  let vault: Uint8Array | null = null
  await using door = await startDoor({
    runtime: { ...systemRuntime, now: () => now },
    vaultKey: () => vault,
  })
  const url = `${originOf(door)}/mcp`
  const { clientId, tokens } = await signedIn(door)
  const ping = async (token: string) =>
    (
      await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: initializeBody(),
      })
    ).status
  const renew = async (token: string) => {
    const answer = await postForm(`${originOf(door)}/oauth/token`, refreshFields(clientId, token))
    expect(answer.status).toBe(200)
    return (await answer.json()) as Tokens
  }
  // Made while the vault was closed; it counts on when it opens, and the next one is made with the vault's key.
  expect(await ping(tokens.access_token)).toBe(200)
  vault = new Uint8Array(32).fill(3)
  expect(await ping(tokens.access_token)).toBe(200)
  now += 899_000
  expect(await ping(tokens.access_token)).toBe(200)
  now += 2000
  expect(await ping(tokens.access_token)).toBe(401)
  const next = await renew(tokens.refresh_token)
  expect(await ping(next.access_token)).toBe(200)
  // A clock that is set back makes no token live longer.
  now -= 3_600_000
  door.events.emit('client.changed', { clientId: '' })
  expect(await ping(next.access_token)).toBe(401)
  now += 3_600_000
  // After a restart that finds the vault closed, the client renews it, and no person is asked.
  vault = new Uint8Array(32).fill(4)
  door.events.emit('client.changed', { clientId: '' })
  expect(await ping(next.access_token)).toBe(401)
  expect(await ping((await renew(next.refresh_token)).access_token)).toBe(200)
  // What is stored opens nothing.
  const rows = door.stores.db
    .statement<{ hash: Uint8Array; next_hash: Uint8Array | null }>('SELECT * FROM refresh_tokens')
    .all()
  for (const { hash } of rows) expect(await ping(Buffer.from(hash).toString('base64url'))).toBe(401)
})

test('[threat.14] [signin] a stream opened with a token ends with the token, and at once with its sign-in', async () => {
  let now = Date.now()
  await using door = await startDoor({ runtime: { ...systemRuntime, now: () => now }, beatMs: 10 })
  const url = `${originOf(door)}/mcp`
  const { tokens, signIn } = await signedIn(door)
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${tokens.access_token}` }
  const opened = await fetch(url, { method: 'POST', headers, body: initializeBody() })
  const session = opened.headers.get('mcp-session-id') ?? ''
  const listen = () =>
    fetch(url, { headers: { ...headers, accept: 'text/event-stream', 'mcp-session-id': session } })
  const first = await listen()
  expect(first.status).toBe(200)
  now += 901_000
  await first.text()
  now -= 901_000
  const second = await listen()
  expect(second.status).toBe(200)
  door.signIn.signIns.revoke(signIn.id)
  await second.text()
  await until(() => [...door.sessions.list()].length === 0)
  expect((await listen()).status).toBe(401)
  // Nor does a good signature help: it is the sign-in that counts.
  const again = await signAccess(key, {
    issuer: originOf(door),
    audience: url,
    clientId: signIn.clientId,
    applicantId: signIn.applicantId,
    signInId: signIn.id,
    jti: 'x',
    issuedAt: now,
  })
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${again}` },
    body: initializeBody(),
  })
  expect(answer.status).toBe(401)
})
