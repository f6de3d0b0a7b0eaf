// Answers no token endpoint should give. None of them may count as tokens.
import { gzipSync } from 'node:zlib'

export interface TokenAnswer {
  name: string
  status?: number
  headers?: Record<string, string>
  body: string | Uint8Array | ((signal: AbortSignal) => ReadableStream<Uint8Array>)
}

const good = { access_token: 'fine', token_type: 'Bearer', expires_in: 3600, refresh_token: 'next' }
const json = (name: string, patch: object): TokenAnswer => ({
  name,
  body: JSON.stringify({ ...good, ...patch }),
})
const raw = (name: string, body: string, more: Partial<TokenAnswer> = {}): TokenAnswer => ({
  name,
  body,
  ...more,
})
const zeros = (megabytes: number) => gzipSync(new Uint8Array(megabytes * 1024 * 1024), { level: 9 })

/** A body without an end. */
const endless = () =>
  new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
  })

export const hostileTokenAnswers: readonly TokenAnswer[] = [
  raw('an empty body', ''),
  raw('HTML', '<!doctype html><title>Sign in to the hotel</title>', {
    headers: { 'content-type': 'text/html' },
  }),
  raw('an array', '[]'),
  raw('null', 'null'),
  raw('a number', '7'),
  raw('half of an object', '{"access_token":"fine"'),
  raw('two objects', `${JSON.stringify(good)}${JSON.stringify(good)}`),
  raw('a form', 'access_token=fine&token_type=bearer', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }),
  { name: 'no UTF-8', body: new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]) },
  raw('deep nesting', `{"a":${'['.repeat(100_000)}`),
  raw('NaN as a number', '{"access_token":"fine","token_type":"Bearer","expires_in":NaN}'),
  json('no access token', { access_token: undefined }),
  json('null as an access token', { access_token: null }),
  json('a number as an access token', { access_token: 12345 }),
  json('an array as an access token', { access_token: ['fine'] }),
  json('an empty access token', { access_token: '' }),
  json('a token with CRLF', { access_token: 'fine\r\nX-Injected: yes' }),
  json('a token with a line feed', { access_token: 'fine\n' }),
  json('a token with NUL', { access_token: 'fi\0ne' }),
  json('a token with a space', { access_token: 'fine token' }),
  json('a token of other letters', { access_token: 'fïne' }),
  json('a token with a text direction', { access_token: 'fine\u202e' }),
  json('a token of 17 KiB', { access_token: 'x'.repeat(17 * 1024) }),
  json('no token type', { token_type: undefined }),
  json('token type mac', { token_type: 'mac' }),
  json('token type dpop', { token_type: 'DPoP' }),
  json('token type N_A', { token_type: 'N_A' }),
  json('an array as a token type', { token_type: ['Bearer'] }),
  json('a lifetime of -1', { expires_in: -1 }),
  json('a lifetime of 0', { expires_in: 0 }),
  json('a lifetime of half a second', { expires_in: 0.5 }),
  raw('a lifetime of 1e308', JSON.stringify(good).replace('3600', '1e308')),
  raw('a lifetime of 1e999', JSON.stringify(good).replace('3600', '1e999')),
  json('a lifetime of soon', { expires_in: 'soon' }),
  json('a lifetime of "NaN"', { expires_in: 'NaN' }),
  json('a lifetime of "12abc"', { expires_in: '12abc' }),
  json('a lifetime of true', { expires_in: true }),
  json('a lifetime in an object', { expires_in: { seconds: 3600 } }),
  json('a refresh token with CRLF', { refresh_token: 'next\r\n' }),
  json('an empty refresh token', { refresh_token: '' }),
  json('a number as a refresh token', { refresh_token: 5 }),
  json('a refresh token of 17 KiB', { refresh_token: 'x'.repeat(17 * 1024) }),
  json('an array as a scope', { scope: ['read', 'write'] }),
  json('a scope with quotes', { scope: 'read "write"' }),
  json('a scope with CRLF', { scope: 'read\r\nwrite' }),
  json('a scope of 9 KiB', { scope: 'x'.repeat(9 * 1024) }),
  json('2 MB of claims nobody asked for', { extra: 'x'.repeat(2_000_000) }),
  {
    name: 'a gzip bomb of 200 MB',
    headers: { 'content-encoding': 'gzip' },
    body: zeros(200),
  },
  { name: 'gzip that is none', headers: { 'content-encoding': 'gzip' }, body: 'not compressed' },
  { name: 'an encoding nobody asked for', headers: { 'content-encoding': 'zstd' }, body: 'x' },
  { name: '50 MB of JSON', body: `{"access_token":"${'x'.repeat(50 * 1024 * 1024)}"}` },
  { name: 'no end', body: endless },
  raw('tokens with 201', JSON.stringify(good), { status: 201 }),
  raw('tokens with 203', JSON.stringify(good), { status: 203 }),
  raw('tokens with 302', JSON.stringify(good), { status: 302, headers: { location: '/elsewhere' } }),
  raw('tokens with 307', JSON.stringify(good), {
    status: 307,
    headers: { location: 'http://127.0.0.1:1/' },
  }),
  raw('tokens with 400', JSON.stringify(good), { status: 400 }),
  raw('tokens with 500', JSON.stringify(good), { status: 500 }),
  raw('a refusal with 500', '{"error":"invalid_grant"}', { status: 500 }),
  raw('a refusal with 503', '{"error":"invalid_grant"}', { status: 503 }),
  raw('too many requests', '{"error":"invalid_grant"}', { status: 429 }),
  raw('HTML with 404', '<h1>Not found</h1>', { status: 404 }),
  raw('HTML with 403', '<h1>Blocked by a firewall</h1>', { status: 403 }),
  raw('a passing error', '{"error":"temporarily_unavailable"}', { status: 400 }),
  raw('a firewall that forbids', '{"error":"forbidden"}', { status: 403 }),
  raw('a proxy that knows no such place', '{"error":"not_found"}', { status: 404 }),
  raw('a proxy that limits', '{"error":"rate_limited"}', { status: 400 }),
  raw('a gateway that knows no key', '{"error":"unauthorized"}', { status: 401 }),
  raw('an error with 200', '{"error":"maintenance"}'),
  raw('a refusal with 403', '{"error":"invalid_grant"}', { status: 403 }),
  raw('a refusal with 404', '{"error":"invalid_grant"}', { status: 404 }),
  raw('an error that is a number', '{"error":400}', { status: 400 }),
]
