// A server that fails in every way it can: the client is told a code and a sentence, and nothing of what the server said
// or where it is.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { errorCodes } from '../../gateway/errors'
import { rawAnswer } from '../servers/raw-answers'
import { controlOf } from '../support/control'
import { type Daemon, eventually, startDaemon } from '../support/daemon'
import { type Caller, openCaller, scripted } from '../support/scripted'

const inside =
  /\/home\/|\/tmp\/|\/work\/|node_modules|\.ts:\d+|\bat [^ ]+ \(|\bat .*:\d+:\d+|SELECT |INSERT |sqlite|Bearer|canary-75|\b10\.\d|192\.168\.|169\.254\.|127\.0\.0\.1|localhost/i

const page = `<html><body><h1>canary-75</h1><pre>Error: canary-75
    at handler (/home/canary-75/app.js:10:5) SELECT * FROM users; 10.0.0.7 192.168.1.1 Bearer abc</pre></body></html>`
const html = (status: number, headers: Record<string, string> = {}) =>
  new Response(page, {
    status,
    headers: { 'content-type': 'text/html', 'x-canary': 'canary-75', ...headers },
  })
const json = (body: string) => new Response(body, { headers: { 'content-type': 'application/json' } })
const stream = (body: string) => new Response(body, { headers: { 'content-type': 'text/event-stream' } })

/** What the server answers a call with, one way of failing each. */
const failures: Record<string, (id: number) => Response> = {
  'status 400': () => html(400),
  'status 401': () =>
    html(401, { 'www-authenticate': 'Bearer realm="canary-75", resource_metadata="http://10.0.0.7/"' }),
  'status 403': () => html(403),
  'status 404': () => html(404),
  'status 405': () => html(405),
  'status 410': () => html(410),
  'status 418': () => html(418),
  'status 429': () => html(429, { 'retry-after': 'canary-75' }),
  'status 500': () => html(500),
  'status 502': () => html(502),
  'status 503': () => html(503),
  'status 511': () => html(511),
  'redirect to a private address': () => html(302, { location: 'http://10.0.0.7/canary-75' }),
  'redirect to a file': () => html(307, { location: 'file:///home/canary-75' }),
  'redirect with a password': () => html(308, { location: 'https://user:canary-75@192.168.1.1/' }),
  'a page': () => html(200),
  'a page that says it is JSON': () => json(page),
  'half a message': (id) => json(`{"jsonrpc":"2.0","id":${id},"result":{"canary-75":"`),
  'another id': (id) => json(`{"jsonrpc":"2.0","id":${id + 1},"result":{"canary-75":1}}`),
  'a batch': (id) => json(`[{"jsonrpc":"2.0","id":${id},"result":{"canary-75":1}}]`),
  'the same member twice': (id) => json(`{"jsonrpc":"2.0","id":${id},"id":${id},"result":{"canary-75":1}}`),
  'bytes that are no text': () =>
    new Response(Uint8Array.of(0xff, 0xfe, 0x63), { headers: { 'content-type': 'application/json' } }),
  'an odd type': () => new Response('canary-75', { headers: { 'content-type': 'text/canary-75' } }),
  'an odd coding': () =>
    new Response('canary-75', {
      headers: { 'content-type': 'application/json', 'content-encoding': 'canary-75' },
    }),
  'nothing at all': () => new Response(null, { status: 204 }),
  'a stream without an answer': () => stream(': canary-75\n\n'),
  'a stream of garbage': () => stream('data: canary-75 at x (/home/a.ts:1:1)\n\n'),
  'too much': () => json(`"${'canary-75'.repeat(2_000_000)}"`),
}

let daemon: Daemon
let caller: Caller
let mode = ''
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    if (request.method !== 'POST') return new Response(null, { status: 405 })
    const text = await request.text()
    const id = Number(/"id":(\d+)/.exec(text)?.[1] ?? 0)
    if (text.includes('tools/call')) return failures[mode]?.(id) ?? html(500)
    const answer = rawAnswer(text)
    return answer === null ? new Response(null, { status: 202 }) : json(answer)
  },
})

beforeAll(async () => {
  daemon = await startDaemon()
  await daemon.ok('add', 'web', '--yes', '--url', `${server.url}mcp`)
  await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain'))
  caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'agent')).trim())
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await server.stop(true)
})

/** The code a call ends in; what else the client got must be clean. */
async function codeOf(what: string, tool: string): Promise<string> {
  const { message } = await caller.post(
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${tool}"}}`,
  )
  const { error } = JSON.parse(message) as { error?: { message: string; data?: { code?: string } } }
  expect([what, message, inside.exec(message)?.[0] ?? null]).toEqual([what, message, null])
  expect([what, (error?.message.length ?? 0) > 10]).toEqual([what, true])
  const code = error?.data?.code ?? ''
  expect([what, errorCodes.some((known) => known === code)]).toEqual([what, true])
  return code
}

test('[threat.75] whatever a server on the web fails with, its words and addresses stay with us', async () => {
  expect(Object.keys(failures).length).toBeGreaterThan(25)
  const codes = new Set<string>()
  for (const what of Object.keys(failures)) {
    mode = what
    codes.add(await codeOf(what, 'web_echo'))
    await daemon.ok('restart', 'web')
  }
  expect([...codes].length).toBeGreaterThanOrEqual(5)
}, 120_000)

test('[threat.75] a server that is gone, off, unapproved or out of order is told of in the same way', async () => {
  expect(await codeOf('it ends', 'local_die')).toBe('upstream.lost')
  await daemon.ok('disable', 'local')
  expect(await codeOf('it is off', 'local_echo')).toMatch(/^(upstream\.disabled|feature\.unknown)$/)
  await daemon.ok('enable', 'local', '--yes')
  const control = controlOf(daemon)
  const all = await control.get<{ id: string; name: string }[]>('/servers')
  const id = all.find(({ name }) => name === 'local')?.id ?? ''
  const definition = { type: 'stdio', command: '/home/canary-75/program', args: [], env: {}, cwd: null }
  await control.send('PATCH', `/servers/${id}`, { definition })
  expect(await codeOf('nobody approved it', 'local_echo')).toBe('upstream.needs_consent')
  const consent = { givenBy: 'cli', definition, inputs: [] }
  await control.send('POST', `/servers/${id}/consent`, consent)
  expect(await codeOf('there is no such program', 'local_echo')).toMatch(
    /^upstream\.(spawn_failed|crash_loop|unavailable)$/,
  )
  const elsewhere = { type: 'http', url: 'http://127.0.0.1:9/canary-75?key=canary-75', headers: {} }
  const web = all.find(({ name }) => name === 'web')?.id ?? ''
  await control.send('PATCH', `/servers/${web}`, { definition: elsewhere })
  await control.send('POST', `/servers/${web}/consent`, { givenBy: 'cli', definition: elsewhere, inputs: [] })
  const code = await eventually(
    () => codeOf('nobody is there', 'web_echo'),
    (one) => one !== 'upstream.needs_consent',
  )
  expect(code).toMatch(/^(net\.failed|upstream\.(unavailable|crash_loop|lost))$/)
})
