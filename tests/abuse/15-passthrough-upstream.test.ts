import { expect, test } from 'bun:test'
import { startEvilHttp } from '../servers/evil-http'
import { openLeg, rejection, until } from '../support/remote-leg'

/** Everything a leg may say in headers, besides what the definition names. */
const allowed = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'host',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'user-agent',
])

test('[threat.15] only headers of the leg and of the definition go up', async () => {
  await using server = await startEvilHttp()
  for (const mode of ['nasty-headers', 'resume-works', 'listen-good']) {
    const leg = await openLeg(server.url(mode), { headers: { 'X-Api-Key': 'own-canary' } })
    await leg.handshake()
    await leg.call('tools/call', { _meta: { headers: { authorization: 'Bearer mcp_client' } } })
    if (mode === 'listen-good')
      await until('the stream is resumed', () => server.seenIn(mode, 'GET').length >= 2)
    await leg.channel.close()
  }
  const methods = new Set(server.seen.map(({ method }) => method))
  expect([...methods].sort()).toEqual(['DELETE', 'GET', 'POST'])
  for (const { headers } of server.seen) {
    expect(Object.keys(headers).filter((name) => !allowed.has(name))).toEqual(['x-api-key'])
    expect(headers['x-api-key']).toBe('own-canary')
  }
})

test('[threat.15] what a server sets in headers changes nothing and goes nowhere', async () => {
  await using server = await startEvilHttp()
  await using leg = await openLeg(server.url('nasty-headers'))
  await leg.handshake()
  const answer = await leg.call('tools/call')
  await leg.call('tools/call')
  expect(answer.text).not.toContain('upstream=1')
  for (const { headers } of server.seen.slice(2)) {
    expect(headers.cookie).toBeUndefined()
    expect(headers.authorization).toBeUndefined()
    expect(headers['mcp-session-id']).toBe('session-of-nasty-headers')
  }
})

test('[threat.15] a definition cannot set the headers that are the leg’s own, nor smuggle one', async () => {
  const forbidden = {
    Host: 'evil.example',
    'Content-Length': '0',
    'Transfer-Encoding': 'chunked',
    'Mcp-Session-Id': 'x',
  }
  for (const [name, value] of Object.entries(forbidden)) {
    const error = await rejection(openLeg('http://127.0.0.1:1/mcp', { headers: { [name]: value } }))
    expect(error.code).toBe('input.invalid')
  }
  for (const value of ['a\r\nX-Evil: 1', 'a\nb', 'a\u0000b', 'snow ☃ man']) {
    const error = await rejection(openLeg('http://127.0.0.1:1/mcp', { headers: { 'X-Key': value } }))
    expect(error.code).toBe('input.invalid')
    expect(error.message).not.toContain('evil')
    expect(error.message).not.toContain('man')
  }
})
