import { expect, test } from 'bun:test'
import { createProxyChoice } from '../../gateway/net/proxies'
import { isInNetwork, isLoopbackHost } from '../../gateway/net/addresses'
import { retryAfterOf } from '../../gateway/net/retry-after'
import { mediaTypeOf, ownHeaders } from '../../gateway/transport/http-headers'
import { createOutbox } from '../../gateway/transport/http-outbox'
import { systemRuntime } from '../../gateway/runtime'
import { Secret } from '../../gateway/secrets/secret'

const answer = (headers: Record<string, string>) => new Response(null, { headers })

test('[gw.transports] Retry-After is read as seconds or as a date, and bounded', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const read = (text: string) => retryAfterOf(answer({ 'retry-after': text }), now)
  expect(read('7')).toBe(7000)
  expect(read('0')).toBe(0)
  expect(read('301')).toBe(300_000)
  expect(read('Thu, 01 Jan 2026 00:00:30 GMT')).toBe(30_000)
  expect(read('Wed, 31 Dec 2025 00:00:00 GMT')).toBe(0)
  expect(read('Fri, 01 Jan 2100 00:00:00 GMT')).toBe(300_000)
  expect(read('Thursday, 01-Jan-26 00:00:30 GMT')).toBe(30_000)
  for (const text of ['soon', '1e3', '-40', '2100-01-01', '99999999999999999999'])
    expect(read(text)).toBeNull()
  expect(retryAfterOf(answer({}), now)).toBeNull()
})

test('[gw.transports] a media type is read without parameters and case', () => {
  expect(mediaTypeOf(answer({ 'content-type': 'Application/JSON; charset=utf-8' }))).toBe('application/json')
  expect(mediaTypeOf(answer({ 'content-type': 'application/json-seq' }))).toBe('application/json-seq')
  expect(mediaTypeOf(answer({}))).toBe('')
})

test('[gw.transports] headers are sent with their values, secrets revealed, names in lower case', () => {
  expect(ownHeaders({ 'X-Key': new Secret('s3cret'), Authorization: ' Bearer x ' })).toEqual({
    'user-agent': 'McpMux',
    'x-key': 's3cret',
    authorization: 'Bearer x',
  })
  expect(() => ownHeaders({ 'bad name': 'x' })).toThrow('no valid name')
  expect(() => ownHeaders({ HOST: 'x' })).toThrow('host')
})

test('[threat.37] loopback hosts are known by every spelling, others by none', () => {
  for (const url of [
    'http://localhost/',
    'http://LOCALHOST./',
    'http://a.localhost/',
    'http://127.9.9.9/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://0x7f.1/',
  ]) {
    expect([url, isLoopbackHost(new URL(url).hostname)]).toEqual([url, true])
  }
  for (const url of [
    'http://localhost.evil.example/',
    'http://notlocalhost/',
    'http://10.0.0.1/',
    'http://0.0.0.0/',
    'http://[::]/',
  ]) {
    expect([url, isLoopbackHost(new URL(url).hostname)]).toEqual([url, false])
  }
})

test('[threat.37] a proxy is chosen by scheme, and lower-case names win', () => {
  const choose = createProxyChoice({
    HTTPS_PROXY: 'upper:1',
    https_proxy: 'http://lower:2',
    ALL_PROXY: 'http://all:3',
  })
  expect(choose(new URL('https://example.com/'))).toBe('http://lower:2')
  expect(choose(new URL('http://example.com/'))).toBe('http://all:3')
  expect(createProxyChoice({ HTTPS_PROXY: 'bare:1' })(new URL('https://example.com/'))).toBe('http://bare:1')
  expect(createProxyChoice({})(new URL('https://example.com/'))).toBe(false)
  const some = createProxyChoice({ HTTPS_PROXY: 'http://p:1', NO_PROXY: '10.0.0.0/8 [::1], .corp.example' })
  expect(some(new URL('https://10.1.2.3/'))).toBe(false)
  expect(some(new URL('https://corp.example/'))).toBe(false)
  expect(some(new URL('https://a.corp.example/'))).toBe(false)
  expect(some(new URL('https://acorp.example/'))).toBe('http://p:1')
  expect(isInNetwork('::ffff:10.1.1.1', '10.0.0.0/8')).toBe(true)
  expect(isInNetwork('10.1.1.1', 'fd00::/8')).toBe(false)
})

test('[mcp.lifecycle] the first message after initialize goes alone, also when it fails', async () => {
  const outbox = createOutbox(1000, systemRuntime)
  const order: string[] = []
  const opened: string[] = []
  const bytes = new Uint8Array(10)
  outbox.expectInitialized(() => opened.push('listen'))
  const first = outbox.send(bytes, false, async () => {
    await Bun.sleep(20)
    order.push('initialized')
    throw new Error('refused')
  })
  const second = outbox.send(bytes, true, () => {
    order.push('call')
    return Promise.resolve()
  })
  expect(await first.catch((error: Error) => error.message)).toBe('refused')
  await second
  expect(order).toEqual(['initialized', 'call'])
  expect(opened).toEqual(['listen'])
})

test('[mcp.lifecycle] a first message that is never acknowledged does not hold up the rest', async () => {
  const hasty = { sleep: () => Promise.resolve() }
  const outbox = createOutbox(1000, hasty)
  outbox.expectInitialized(() => undefined)
  const never = outbox.send(new Uint8Array(1), false, () => new Promise<string>(() => undefined))
  expect(await outbox.send(new Uint8Array(1), true, () => Promise.resolve('sent'))).toBe('sent')
  expect(await Promise.race([never, Bun.sleep(10).then(() => 'still open')])).toBe('still open')
})
