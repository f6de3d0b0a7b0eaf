import { afterAll, expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { createTokenEndpoint } from '../../gateway/oauth/token-endpoint'
import { systemRuntime } from '../../gateway/runtime'
import { Secret } from '../../gateway/secrets/secret'
import { metadataOf, registrationAt } from '../support/oauth-parts'
import { rejection, testFetch } from '../support/remote-leg'
import { hostileTokenAnswers } from '../support/token-answers'

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
