import { expect, test } from 'bun:test'
import { openLeg, rejection } from '../support/remote-leg'
import { fakeTime } from '../support/fake-time'
import { tokenIssuer } from '../support/token-issuer'
import { tokenParts } from '../support/token-parts'

/** An MCP server that takes the tokens of `good`, and notes what came. */
function guarded(good: (token: string) => boolean, status = 401) {
  const seen: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const token = request.headers.get('authorization')?.slice(7) ?? 'none'
      seen.push(token)
      const { id } = (await request.json()) as { id?: number }
      return good(token)
        ? Response.json({ jsonrpc: '2.0', id, result: {} })
        : new Response(null, { status, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
    },
  })
  return {
    ...{ seen, url: `http://127.0.0.1:${server.port}/mcp` },
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

test('[threat.38] after a 401 tokens are renewed once and the call goes once more, whoever else calls meanwhile', async () => {
  using issuer = tokenIssuer()
  await using parts = await tokenParts(issuer)
  let revoked = ''
  await using server = guarded((token) => token !== revoked && token !== 'none')
  const row = parts.server(server.url)
  revoked = parts.signIn(row, server.url).accessToken.reveal()
  await using leg = await openLeg(server.url, { authorization: parts.authorizations.of(row) ?? undefined })
  const answers = await Promise.all(Array.from({ length: 50 }, () => leg.call('ping')))
  expect(answers.length).toBe(50)
  expect(issuer.asked.length).toBe(1)
  // Each went twice at most, and the second time with what is new.
  expect(server.seen.filter((token) => token === revoked).length).toBeLessThanOrEqual(50)
  expect(server.seen.filter((token) => token !== revoked).length).toBe(50)
})

test('[threat.38] a server that refuses new tokens too gets two requests, and its issuer is left in peace', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  await using server = guarded(() => false)
  const row = parts.server(server.url)
  parts.signIn(row, server.url)
  await using leg = await openLeg(server.url, { authorization: parts.authorizations.of(row) ?? undefined })
  for (let n = 0; n < 5; n++) {
    const error = await rejection(leg.call('ping'))
    expect([error.code, error.message.includes('mcpmux login')]).toEqual(['upstream.unauthorized', true])
  }
  expect([issuer.asked.length, server.seen.length]).toEqual([1, 6])
  // The credential is not blamed for it.
  expect(parts.tokens.of(row)?.needs).toBeNull()
  await time.pass(61_000)
  await rejection(leg.call('ping'))
  expect(issuer.asked.length).toBe(2)
})

test('[threat.38] a 401 while the issuer is away is no reason to ask a person', async () => {
  using issuer = tokenIssuer()
  await using parts = await tokenParts(issuer)
  await using server = guarded(() => false)
  const row = parts.server(server.url)
  parts.signIn(row, server.url)
  issuer.instead = () => new Response(null, { status: 503 })
  await using leg = await openLeg(server.url, { authorization: parts.authorizations.of(row) ?? undefined })
  expect((await rejection(leg.call('ping'))).code).toBe('oauth.unreachable')
  expect([parts.tokens.of(row)?.needs, server.seen.length]).toEqual([null, 1])
})

test('[threat.38] a call is never sent again after anything but 401 and insufficient_scope', async () => {
  for (const status of [400, 403, 404, 409, 429, 500, 502, 503]) {
    using issuer = tokenIssuer()
    await using parts = await tokenParts(issuer)
    await using server = guarded(() => false, status)
    const row = parts.server(server.url)
    parts.signIn(row, server.url)
    await using leg = await openLeg(server.url, { authorization: parts.authorizations.of(row) ?? undefined })
    await rejection(leg.call('tools/call'))
    expect([status, server.seen.length, issuer.asked.length]).toEqual([status, 1, 0])
  }
})
