// Threat 32: browsers come back to one address of the gateway's own port; nothing else listens for them, and nothing else is
// an answer.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { callbackAddress } from '../../gateway/oauth/callback'
import { startEvilAs } from '../support/evil-as'
import { openFlowParts } from '../support/flow-parts'
import { rawExchange, rawRequest } from '../support/raw-http'
import { type SourceDaemon, startSourceDaemon } from '../support/source-daemon'

let daemon: SourceDaemon
let port: number
beforeAll(async () => {
  daemon = await startSourceDaemon()
  port = Number(new URL(daemon.mcpUrl).port)
})
afterAll(() => daemon[Symbol.asyncDispose]())

test('[threat.32] [oauth.flow] the redirect address is on the port the gateway has, on a host that is served', () => {
  const both = { port: 9315, addresses: ['127.0.0.1', '::1'] }
  expect(callbackAddress('127.0.0.1', both)).toBe('http://127.0.0.1:9315/oauth/callback')
  expect(callbackAddress('localhost', both)).toBe('http://localhost:9315/oauth/callback')
  expect(callbackAddress('127.0.0.1', { port: 9315, addresses: ['::1'] })).toBe(
    'http://[::1]:9315/oauth/callback',
  )
  expect(callbackAddress('127.0.0.1', { port: 80, addresses: ['127.0.0.1'] })).toBe(
    'http://127.0.0.1/oauth/callback',
  )
  expect(() => callbackAddress('127.0.0.1', null)).toThrow('starting')
})

test('[threat.32] the callback is one address, for GET, by the names of this gateway', async () => {
  const status = async (line: string, host: string) =>
    (await rawExchange(port, rawRequest(`${line} HTTP/1.1`, [`Host: ${host}`, 'Connection: close'])))
      .statuses[0]
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
    expect(await status('GET /oauth/callback?code=a&state=b', host)).toBe(303)
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'])
    expect([method, await status(`${method} /oauth/callback`, `127.0.0.1:${port}`)]).toEqual([method, 405])
  for (const path of [
    '/oauth/callback/',
    '/oauth/Callback',
    '//oauth/callback',
    '/oauth/./callback/x',
    '/callback',
  ])
    expect([path, await status(`GET ${path}`, `127.0.0.1:${port}`)]).toEqual([path, 404])
  for (const host of [
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port + 1}`,
    `127.0.0.1.nip.io:${port}`,
  ])
    expect([host, await status('GET /oauth/callback', host)]).toEqual([host, 403])
  const headers = { origin: 'https://evil.example' }
  expect(
    (await fetch(`http://127.0.0.1:${port}/oauth/callback`, { headers, redirect: 'manual' })).status,
  ).toBe(403)
})

test('[threat.32] a sign-in is asked to come back to the port that is there, by a native application', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const flow = await parts.flows.begin(server.id)
  const redirect = new URL(flow.url ?? '').searchParams.get('redirect_uri') ?? ''
  expect(redirect).toBe(`${parts.origin}/oauth/callback`)
  expect(JSON.parse(evil.at('issuer', '/register')[0]?.body ?? '{}')).toMatchObject({
    application_type: 'native',
    redirect_uris: [redirect],
  })
})
