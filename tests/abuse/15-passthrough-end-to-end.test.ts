// Credentials and headers of the one side, looked for on the other, through the compiled program.
import { expect, test } from 'bun:test'
import { rawAnswer } from '../servers/raw-answers'
import { eventually, startDaemon } from '../support/daemon'
import { initializeBody, mcpHeaders } from '../support/raw-client'
import { startKeyring } from '../support/keyring'
import { Tab } from '../support/sign-in'
import { authorizeUrl, originOf, postForm, register, type Tokens } from '../support/signed-in'

/** Headers no server may set for our clients. */
const injected: Record<string, string> = {
  'set-cookie': 'canary-15=1; Path=/',
  'www-authenticate': 'Bearer realm="canary-15"',
  'proxy-authenticate': 'Basic realm="canary-15"',
  location: 'https://canary-15.example/',
  refresh: '0; url=https://canary-15.example/',
  link: '<https://canary-15.example/>; rel=preload',
  'mcp-session-id': 'canary-15-session',
  'mcp-protocol-version': 'canary-15',
  'last-event-id': 'canary-15',
  'access-control-allow-origin': '*',
  'access-control-allow-credentials': 'true',
  'access-control-allow-headers': '*',
  'access-control-expose-headers': '*',
  'access-control-allow-private-network': 'true',
  'content-security-policy': "default-src * 'unsafe-inline'",
  'content-security-policy-report-only': 'default-src *',
  'strict-transport-security': 'max-age=1',
  'x-content-type-options': 'canary-15',
  'x-frame-options': 'ALLOWALL',
  'cache-control': 'public, max-age=99999',
  expires: 'Wed, 01 Jan 2031 00:00:00 GMT',
  etag: '"canary-15"',
  server: 'canary-15',
  'x-powered-by': 'canary-15',
  via: '1.1 canary-15',
  'clear-site-data': '"*"',
  'service-worker-allowed': '/',
  'content-disposition': 'attachment; filename=canary-15',
  'content-language': 'canary-15',
  'alt-svc': 'h2="canary-15.example:443"',
  'x-canary': 'canary-15',
  'x-request-id': 'canary-15',
}

/** A server on HTTP that keeps the headers of all requests, and sets its own on every answer. */
function startServer(more: Record<string, string>, token: string) {
  const seen: Record<string, string>[] = []
  const refused: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      seen.push(Object.fromEntries(request.headers))
      if (request.headers.get('authorization') !== `Bearer ${token}`) refused.push(request.method)
      if (request.method !== 'POST') return new Response(null, { status: 405, headers: more })
      const answer = rawAnswer(await request.text(), 'said')
      const headers = { 'content-type': 'application/json', ...more }
      return answer === null
        ? new Response(null, { status: 202, headers: more })
        : new Response(answer, { headers })
    },
  })
  return { seen, refused, url: `${server.url}mcp`, [Symbol.asyncDispose]: () => server.stop(true) }
}

const ours =
  /^(accept|accept-encoding|authorization|connection|content-length|content-type|host|mcp-method|mcp-name|mcp-protocol-version|mcp-session-id|user-agent)$/

test('[threat.15] nothing a client sends in headers reaches a server, and nothing a server sends in headers reaches a client', async () => {
  const token = 'token-of-the-server-15'
  await using noisy = startServer(injected, token)
  await using quiet = startServer({}, token)
  await using keyring = await startKeyring()
  await using daemon = await startDaemon({ env: { ...keyring.env, Authorization: `Bearer ${token}` } })
  for (const [name, { url }] of Object.entries({ noisy, quiet }))
    await daemon.ok('add', name, '--yes', '--url', url, '--header', 'Authorization')
  const key = (await daemon.ok('key', 'create', 'agent')).trim()
  const foreign: Record<string, string> = {
    ...mcpHeaders(key),
    cookie: 'client-canary-15=1',
    'proxy-authorization': 'Basic client-canary-15',
    'x-api-key': 'client-canary-15',
    'x-forwarded-for': '203.0.113.15',
    'x-client': 'client-canary-15',
    'mcp-name': 'client-canary-15',
    baggage: 'client-canary-15',
    'user-agent': 'client-canary-15',
    referer: 'http://127.0.0.1/client-canary-15',
  }
  const opened = await fetch(daemon.mcpUrl, { method: 'POST', headers: foreign, body: initializeBody() })
  const session = opened.headers.get('mcp-session-id') ?? ''
  await opened.text()
  const names: string[][] = []
  for (const tool of ['quiet_canary', 'noisy_canary']) {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${tool}","_meta":{"headers":{"authorization":"${key}"}}}}`
    const answer = await fetch(daemon.mcpUrl, {
      method: 'POST',
      headers: { ...foreign, 'mcp-session-id': session },
      body,
    })
    expect(await answer.text()).toContain('"text":"said"')
    names.push([...answer.headers.keys()].sort())
    const values = JSON.stringify([...answer.headers])
    expect([tool, values.includes('canary-15'), answer.headers.get('mcp-session-id')]).toEqual([
      tool,
      false,
      null,
    ])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  }
  // The names of the answers are the same, whatever the server set.
  expect(names[1]).toEqual(names[0] ?? [])
  for (const server of [noisy, quiet]) {
    expect(server.seen.length).toBeGreaterThan(3)
    expect(server.refused).toEqual([])
    for (const headers of server.seen) {
      const text = JSON.stringify(headers)
      expect([
        text.includes('client-canary-15'),
        text.includes('mcp_'),
        text.includes('203.0.113.15'),
      ]).toEqual([false, false, false])
      expect(Object.keys(headers).filter((name) => !ours.test(name) && name !== 'last-event-id')).toEqual([])
    }
  }
})

test('[threat.15] [signin] the token of a client that signed in reaches no server', async () => {
  await using server = startServer({}, 'none')
  await using daemon = await startDaemon()
  await daemon.ok('add', 'plain', '--yes', '--url', server.url)
  const port = Number(new URL(daemon.mcpUrl).port)
  const client_id = await register({ port })
  const { url, verifier } = authorizeUrl({ port }, { client_id })
  const tab = new Tab()
  await tab.open(url)
  await daemon.ok('approve', tab.code)
  const code = (await tab.carriedOn()).searchParams.get('code') ?? ''
  const fields = { grant_type: 'authorization_code', client_id, code, code_verifier: verifier }
  const answer = await postForm(`${originOf({ port })}/oauth/token`, fields)
  const tokens = (await answer.json()) as Tokens
  const at = `${originOf({ port })}/mcp`
  const headers = { ...mcpHeaders(tokens.access_token), cookie: `t=${tokens.refresh_token}` }
  const opened = await fetch(at, { method: 'POST', headers, body: initializeBody() })
  const session = opened.headers.get('mcp-session-id') ?? ''
  await opened.text()
  const called = await fetch(at, {
    method: 'POST',
    headers: { ...headers, 'mcp-session-id': session },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain_canary"}}',
  })
  expect(await called.text()).toContain('"text":"said"')
  expect(server.seen.length).toBeGreaterThan(2)
  for (const seen of server.seen) {
    expect('authorization' in seen || 'cookie' in seen).toBe(false)
    expect(JSON.stringify(seen)).not.toMatch(/eyJ|mxr_/)
  }
})

test('[threat.15] the token of a server opens neither the endpoint nor another server', async () => {
  const token = 'token-of-the-server-15'
  await using server = startServer({}, token)
  await using other = startServer({}, token)
  await using keyring = await startKeyring()
  await using daemon = await startDaemon({ env: { ...keyring.env, Authorization: `Bearer ${token}` } })
  await daemon.ok('add', 'one', '--yes', '--url', server.url, '--header', 'Authorization')
  await daemon.ok('add', 'two', '--yes', '--url', other.url)
  await eventually(
    () => other.seen.length,
    (count) => count > 1,
  )
  expect([server.refused, other.refused.length > 0]).toEqual([[], true])
  expect(other.seen.filter((headers) => 'authorization' in headers)).toEqual([])
  const ways: Record<string, string>[] = [{ authorization: `Bearer ${token}` }, { 'mcp-key': token }]
  for (const headers of ways) {
    const answer = await fetch(daemon.mcpUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: initializeBody(),
    })
    expect([answer.status, answer.headers.get('mcp-session-id')]).toEqual([401, null])
    await answer.text()
  }
})
