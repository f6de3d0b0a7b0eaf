// Answers no client should have to do with, whatever they answer.
import { gzipSync } from 'node:zlib'
import { type Change, type Json, json, oauthError } from './evil-as-world'

const MEGABYTE = 1024 * 1024

const asJson = (text: BodyInit, headers: Record<string, string> = {}): Response =>
  new Response(text, { headers: { 'content-type': 'application/json', ...headers } })

/** The answer behind this many megabytes of white space: valid JSON all the same. */
export const padded = (answer: Json, megabytes: number): Response =>
  asJson(' '.repeat(megabytes * MEGABYTE) + JSON.stringify(answer))

/** Two hundred megabytes of white space and then the answer, in a few hundred kilobytes. */
export function zipped(answer: Json): Response {
  const member = gzipSync(Buffer.alloc(MEGABYTE, ' '))
  const members = [...Array.from({ length: 200 }, () => member), gzipSync(JSON.stringify(answer))]
  return asJson(new Uint8Array(Buffer.concat(members)), { 'content-encoding': 'gzip' })
}

/** Begins at once, and sends white space for ever. */
export function dripping(): Response {
  let timer: ReturnType<typeof setInterval> | undefined
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(' '))
      timer = setInterval(() => controller.enqueue(new TextEncoder().encode(' ')), 50)
    },
    cancel() {
      clearInterval(timer)
    },
  })
  return new Response(body, { headers: { 'content-type': 'application/json' } })
}

/** Never answers at all. */
export const silence = (): Promise<Response> => new Promise<Response>(() => undefined)

/** What can go wrong with any document of JSON. */
export const badDocuments: Readonly<Record<string, Change>> = {
  html: () => new Response('<!doctype html><h1>Sign in</h1>', { headers: { 'content-type': 'text/html' } }),
  'json-as-html': (answer) =>
    new Response(JSON.stringify(answer), { headers: { 'content-type': 'text/html' } }),
  giant: (answer) => padded(answer, 8),
  'gzip-bomb': (answer) => zipped(answer),
  slow: () => dripping(),
  silent: silence,
  truncated: (answer) => asJson(JSON.stringify(answer).slice(0, -1)),
  array: (answer) => asJson(JSON.stringify([answer])),
  null: () => asJson('null'),
  empty: () => asJson(''),
  deep: () => asJson('['.repeat(100_000)),
}

// What it is called says nothing of a token that is one, and some call it what they like.
const { 'json-as-html': _, ...badAnswers } = badDocuments

/** What can go wrong with the answer of a token endpoint beyond that. */
export const badTokens: Readonly<Record<string, Change>> = {
  ...badAnswers,
  'type-mac': (answer) => ({ ...answer, token_type: 'mac' }),
  'type-dpop': (answer) => ({ ...answer, token_type: 'DPoP' }),
  'type-missing': ({ token_type: _, ...answer }) => answer,
  'type-number': (answer) => ({ ...answer, token_type: 1 }),
  'access-missing': ({ access_token: _, ...answer }) => answer,
  'access-empty': (answer) => ({ ...answer, access_token: '' }),
  'access-object': (answer) => ({ ...answer, access_token: { toString: 'x' } }),
  'access-crlf': (answer) => ({ ...answer, access_token: 'abc\r\nX-Injected: 1' }),
  'access-space': (answer) => ({ ...answer, access_token: 'abc def' }),
  'access-unicode': (answer) => ({ ...answer, access_token: 'töken' }),
  'access-nul': (answer) => ({ ...answer, access_token: 'abc\u0000def' }),
  'access-giant': (answer) => ({ ...answer, access_token: 'a'.repeat(512 * 1024) }),
  'expires-negative': (answer) => ({ ...answer, expires_in: -1 }),
  'expires-endless': (answer) =>
    asJson(JSON.stringify(answer).replace(/"expires_in":\d+/, '"expires_in":1e999')),
  'expires-nan': (answer) => asJson(JSON.stringify(answer).replace(/"expires_in":\d+/, '"expires_in":NaN')),
  'expires-word': (answer) => ({ ...answer, expires_in: 'soon' }),
  'expires-object': (answer) => ({ ...answer, expires_in: {} }),
  'refresh-object': (answer) => ({ ...answer, refresh_token: ['r'] }),
  'scope-array': (answer) => ({ ...answer, scope: ['tools:read'] }),
  'error-500': () => oauthError('server_error', 500),
  'error-503': () => new Response('busy', { status: 503, headers: { 'retry-after': '999999' } }),
  'error-429': () => oauthError('slow_down', 429),
  'error-html': () =>
    new Response('<b>invalid_grant</b>', { status: 400, headers: { 'content-type': 'text/html' } }),
  'error-with-200': () => json({ error: 'invalid_grant' }),
  'error-description-hostile': () =>
    oauthError('invalid_request', 400, { error_description: hostileText, error_uri: 'javascript:alert(1)' }),
}

/** Markup, a title for the terminal, text that runs backwards, and lines of its own. */
export const hostileText =
  '<script>alert(1)</script>\u001b]0;owned\u0007\u001b[2J\u202Egnp.exe\r\nmcpmux: signed in, paste your key here'
