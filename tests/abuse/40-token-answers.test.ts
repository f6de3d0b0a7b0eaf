import { afterAll, expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { createTokenEndpoint } from '../../gateway/oauth/token-endpoint'
import { systemRuntime } from '../../gateway/runtime'
import { Secret } from '../../gateway/secrets/secret'
import { fakeTime } from '../support/fake-time'
import { metadataOf, registrationAt } from '../support/oauth-parts'
import { rejection, testFetch } from '../support/remote-leg'
import { hostileTokenAnswers } from '../support/token-answers'
import { tokenIssuer } from '../support/token-issuer'
import { tokenParts } from '../support/token-parts'

let current = hostileTokenAnswers[0]
let elsewhere = 0
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request) {
    if (new URL(request.url).pathname !== '/token') elsewhere++
    const { body = '', status = 200, headers } = current ?? {}
    const type = { 'content-type': 'application/json', ...headers }
    const sent = typeof body === 'function' ? body(request.signal) : body
    return new Response(sent as BodyInit, { status, headers: type })
  },
})
const issuer = `http://127.0.0.1:${server.port}`
afterAll(() => server.stop(true))

test('[threat.40] no answer of the corpus counts as tokens; all are the same kind of failure', async () => {
  const endpoint = createTokenEndpoint({ safeFetch: testFetch(), runtime: systemRuntime })
  const request = {
    ...{ refreshToken: new Secret('old'), scope: null },
    ...{ resource: `${issuer}/mcp`, typedUrl: `${issuer}/mcp` },
  }
  expect(hostileTokenAnswers.length).toBeGreaterThanOrEqual(40)
  for (const answer of hostileTokenAnswers) {
    current = answer
    const error = await rejection(endpoint.refresh(metadataOf(issuer), registrationAt(issuer), request))
    const seen = error instanceof GatewayError ? error.code : String(error)
    expect(`${answer.name}: ${seen}`).toBe(`${answer.name}: oauth.unreachable`)
  }
  expect(elsewhere).toBe(0)
})

test('[threat.40] whatever a token endpoint answers, the stored tokens stay, byte for byte', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(`${issuer.url}/mcp`)
  parts.signIn(server, `${issuer.url}/mcp`)
  const port = parts.authorizations.of(server)
  const row = () => JSON.stringify(parts.stores.db.statement('SELECT * FROM oauth_tokens').all())
  const before = row()
  time.set(time.runtime.now() + 7_200_000)
  for (const { name, status = 200, headers, body } of hostileTokenAnswers) {
    const type = { 'content-type': 'application/json', ...headers }
    issuer.instead = () => {
      const sent = typeof body === 'function' ? body(new AbortController().signal) : body
      return new Response(sent as BodyInit, { status, headers: type })
    }
    const error = await rejection(Promise.resolve(port?.tokenFor(new URL(`${issuer.url}/mcp`))))
    expect(`${name}: ${error.code}`).toBe(`${name}: oauth.unreachable`)
    expect(row()).toBe(before)
    await time.pass(61_000)
  }
  issuer.instead = null
  expect(await port?.tokenFor(new URL(`${issuer.url}/mcp`))).toBeInstanceOf(Secret)
})
