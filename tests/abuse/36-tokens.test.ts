import { expect, test } from 'bun:test'
import { coversUrl } from '../../gateway/oauth/resource-metadata'
import { eventually } from '../support/daemon'
import { oauthGateway } from '../support/oauth-gateway'
import { startOidc } from '../support/oidc'
import { openLeg, rejection } from '../support/remote-leg'
import { textOf } from '../support/scripted'
import { tokenIssuer } from '../support/token-issuer'
import { tokenParts } from '../support/token-parts'

/** A server that answers `answer`, and notes what came with which credentials. */
function listener(answer: (url: URL) => Response | undefined = () => undefined) {
  const seen: { path: string; authorization: string | null }[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url)
      seen.push({ path: url.pathname, authorization: request.headers.get('authorization') })
      const own = answer(url)
      if (own) return own
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const { id } = (await request.json()) as { id?: number }
      return Response.json({
        jsonrpc: '2.0',
        id,
        result: { protocolVersion: '2025-11-25', capabilities: {} },
      })
    },
  })
  const tokensSeen = () => seen.filter(({ authorization }) => authorization !== null)
  return {
    ...{ seen, tokensSeen, origin: `http://127.0.0.1:${server.port}` },
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

test('[threat.36] a resource covers its own address and what lies below it, and no other way to spell it', () => {
  const covered = (resource: string, url: string) => coversUrl(resource, new URL(url))
  for (const url of ['https://a.example/mcp', 'https://a.example/mcp/', 'https://a.example/mcp/x?y=1'])
    expect(`${url} ${covered('https://a.example/mcp', url)}`).toBe(`${url} true`)
  for (const url of [
    'https://a.example/',
    'https://a.example/mcp2',
    'https://a.example/mcp/../other',
    'https://a.example/mcp/%2e%2e%2fother',
    'https://a.example/mcp/..%2Fother',
    'https://a.example/mcp/..%5cother',
    'https://a.example:8443/mcp',
    'http://a.example/mcp',
    'https://A.example.evil.test/mcp',
    'https://a.example@evil.test/mcp',
    'https://evil.test/mcp',
  ])
    expect(`${url} ${covered('https://a.example/mcp', url)}`).toBe(`${url} false`)
})

test('[threat.36] after the address of a server is changed, the new one hears no token, and a person is asked', async () => {
  await using thief = listener((url) =>
    url.pathname === '/mcp' ? undefined : new Response(null, { status: 404 }),
  )
  await using oidc = await startOidc()
  await using mux = await oauthGateway()
  const { id } = await mux.add(oidc.mcpUrl)
  await mux.signIn(id)
  await eventually(
    () => mux.caller.call('guarded_echo', { text: 'up' }),
    (answer) => textOf(answer) === 'up',
  )
  const moved = { type: 'http', url: `${thief.origin}/mcp`, headers: {} }
  const move = async (definition: object) => {
    await mux.control.send('PATCH', `/servers/${id}`, { definition })
    await mux.control.send('POST', `/servers/${id}/consent`, { givenBy: 'cli', definition, inputs: [] })
    await mux.control.send('POST', `/servers/${id}/connect`, {})
  }
  await move(moved)
  expect(thief.seen.length).toBeGreaterThan(0)
  expect(thief.tokensSeen()).toEqual([])
  // They are kept, and good again where they belong.
  expect((await mux.view(id)).signIn).toMatchObject({ bound: false, needs: null })
  await move({ type: 'http', url: oidc.mcpUrl, headers: {} })
  expect(await mux.view(id)).toMatchObject({ signIn: { bound: true }, state: { status: 'ready' } })
})

test('[threat.36] tokens follow redirects within their resource and to nowhere else', async () => {
  await using thief = listener()
  for (const [to, arrives] of [
    [(own: string) => `${own}/mcp/v2`, true],
    [(own: string) => `${own}/elsewhere`, false],
    [() => `${thief.origin}/mcp`, false],
  ] as const) {
    await using server: ReturnType<typeof listener> = listener((url) =>
      url.pathname === '/mcp'
        ? new Response(null, { status: 307, headers: { location: to(server.origin) } })
        : undefined,
    )
    using issuer = tokenIssuer()
    await using parts = await tokenParts(issuer)
    const row = parts.server(`${server.origin}/mcp`)
    const { accessToken } = parts.signIn(row, `${server.origin}/mcp`)
    const authorization = parts.authorizations.of(row) ?? undefined
    await using leg = await openLeg(`${server.origin}/mcp`, { authorization })
    if (arrives) await leg.call('ping')
    else expect((await rejection(leg.call('ping'))).code).toBe('net.redirect')
    const paths = server.tokensSeen().map(({ path }) => path)
    expect(paths).toEqual(arrives ? ['/mcp', '/mcp/v2'] : ['/mcp'])
    expect(server.tokensSeen().every((one) => one.authorization === `Bearer ${accessToken.reveal()}`)).toBe(
      true,
    )
  }
  expect(thief.seen).toEqual([])
})

test('[threat.36] a redirect is judged by the token of its own request, whatever others of the session carry', async () => {
  const [arrived, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<Response>()]
  const paths: string[] = []
  await using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url)
      paths.push(`${pathname} ${request.headers.has('authorization')}`)
      if (paths.length > 1) return new Response(null, { status: 404 })
      arrived.resolve()
      return answer.promise
    },
  })
  using issuer = tokenIssuer()
  await using parts = await tokenParts(issuer)
  const url = `http://127.0.0.1:${server.port}/mcp`
  const row = parts.server(url)
  parts.signIn(row, url)
  await using leg = await openLeg(url, { authorization: parts.authorizations.of(row) ?? undefined })
  const first = rejection(leg.call('ping'))
  await arrived.promise
  await parts.tokens.forget(row)
  await rejection(leg.call('ping'))
  answer.resolve(new Response(null, { status: 307, headers: { location: '/elsewhere' } }))
  expect((await first).code).toBe('net.redirect')
  expect(paths).toEqual(['/mcp true', '/mcp false'])
})

test('[threat.36] a legacy server that names an endpoint elsewhere gets the token to itself alone', async () => {
  await using thief = listener()
  const events = (endpoint: string) =>
    new Response(
      new ReadableStream<Uint8Array>({
        start: (down) => down.enqueue(new TextEncoder().encode(`event: endpoint\ndata: ${endpoint}\n\n`)),
      }),
      { headers: { 'content-type': 'text/event-stream' } },
    )
  for (const endpoint of [`${thief.origin}/messages`, '/messages']) {
    await using server = listener((url) => (url.pathname === '/sse' ? events(endpoint) : undefined))
    using issuer = tokenIssuer()
    await using parts = await tokenParts(issuer)
    const row = parts.server(`${server.origin}/sse`)
    parts.signIn(row, `${server.origin}/sse`)
    const opening = openLeg(`${server.origin}/sse`, {
      transport: 'sse',
      authorization: parts.authorizations.of(row) ?? undefined,
    })
    if (endpoint === '/messages') {
      await using leg = await opening
      await leg.notify('notifications/initialized')
    } else expect((await rejection(opening)).code).toBe('upstream.garbage')
    expect(server.tokensSeen().map(({ path }) => path)).toEqual(
      endpoint === '/messages' ? ['/sse', '/messages'] : ['/sse'],
    )
  }
  expect(thief.seen).toEqual([])
})

test('[threat.36] two servers of one address in two accounts never get each other’s tokens', async () => {
  await using server = listener()
  using issuer = tokenIssuer()
  await using parts = await tokenParts(issuer)
  const url = `${server.origin}/mcp`
  const sent = []
  for (const name of ['one', 'two']) {
    const row = parts.server(url, name)
    sent.push(`Bearer ${parts.signIn(row, url).accessToken.reveal()}`)
    await using leg = await openLeg(url, { authorization: parts.authorizations.of(row) ?? undefined })
    await leg.call('ping')
  }
  expect(server.tokensSeen().map(({ authorization }) => authorization)).toEqual(sent)
})
