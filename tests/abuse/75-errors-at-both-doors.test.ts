// Whoever gets an error gets a code and a sentence: no stack, no path, no SQL, no key.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { errorCodes } from '../../gateway/errors'
import { repository } from '../support/daemon'
import { startSourceDaemon } from '../support/source-daemon'

const inside =
  /\/home\/|\/tmp\/|\/work\/|node_modules|\.ts:\d+|\bat [^ ]+ \(|SELECT |INSERT |UPDATE |sqlite|Bearer mcp_|\b10\.\d+\.|192\.168\./i

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let key = ''
let session = ''
beforeAll(async () => {
  daemon = await startSourceDaemon()
  const raw = join(repository, 'tests/servers/raw-stdio.ts')
  await daemon.cli(['add', 'raw', '--yes', '--', process.execPath, raw])
  await daemon.cli(['add', 'broken', '--yes', '--', process.execPath, join(daemon.home, 'canary-75.ts')])
  await daemon.cli(['add', 'absent', '--yes', '--', '/no/such/canary-75'])
  key = (await daemon.cli(['key', 'create', 'agent'])).stdout.trim()
  const opened = await post(initialize)
  session = opened.headers.get('mcp-session-id') ?? ''
  await opened.text()
  await (await post('{"jsonrpc":"2.0","method":"notifications/initialized"}')).text()
})
afterAll(() => daemon[Symbol.asyncDispose]())

const initialize =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}'

const post = (body: string, headers: Record<string, string> = {}, method = 'POST') =>
  fetch(daemon.mcpUrl, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session ? { 'mcp-session-id': session } : {}),
      ...headers,
    },
    ...(method === 'POST' ? { body } : {}),
  })

const call = (method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id: 7, method, params })

const toClients: [string, Record<string, string>, string?][] = [
  ['canary-75', {}],
  ['', {}],
  ['[]', {}],
  ['7', {}],
  ['{}', {}],
  ['{"jsonrpc":"1.0","id":1,"method":"ping"}', {}],
  ['{"jsonrpc":"2.0","id":1,"method":7}', {}],
  ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', {}],
  [`${'['.repeat(5000)}`, {}],
  [call('canary-75', {}), {}],
  [call('tools/call', {}), {}],
  [call('tools/call', { name: 'canary-75' }), {}],
  [call('tools/call', { name: 7 }), {}],
  [call('tools/call', { name: 'broken_x' }), {}],
  [call('prompts/get', { name: 'canary-75' }), {}],
  [call('resources/read', { uri: 'file:///tmp/canary-75' }), {}],
  [call('resources/subscribe', { uri: 'canary-75' }), {}],
  [call('completion/complete', { ref: { type: 'ref/prompt', name: 'canary-75' } }), {}],
  [call('tools/list', { cursor: 'canary-75' }), {}],
  [call('logging/setLevel', { level: 'canary-75' }), {}],
  [call('ping', {}), { authorization: 'Bearer canary-75' }],
  [call('ping', {}), { authorization: '' }],
  [call('ping', {}), { 'mcp-session-id': 'canary-75' }],
  [call('ping', {}), { 'mcp-protocol-version': 'canary-75' }],
  [call('ping', {}), { 'content-type': 'text/plain' }],
  [call('ping', {}), { accept: 'text/canary-75' }],
  [call('ping', {}), { origin: 'http://canary-75.example' }],
  ['', { 'mcp-session-id': 'canary-75' }, 'GET'],
  ['', { 'mcp-session-id': 'canary-75' }, 'DELETE'],
  ['', {}, 'OPTIONS'],
]

test('[threat.75] clients get a code and a sentence', async () => {
  expect(toClients.length + toAdmin.length).toBeGreaterThanOrEqual(60)
  expect(session).not.toBe('')
  for (const [body, headers, method] of toClients) {
    const answer = await post(body, headers, method)
    const text = await answer.text()
    const where = `${method ?? 'POST'} ${body.slice(0, 80)} ${JSON.stringify(headers)}`
    // Which resource is not there, in the client's own words (MCP, resources: error handling).
    const ours = text.replace(/"uri":"[^"]*canary-75"/, '')
    expect([where, answer.status < 500, inside.exec(ours)?.[0] ?? null]).toEqual([where, true, null])
    expect([where, /"error"|"code"/.test(text) || text === '']).toEqual([where, true])
  }
})

const toAdmin: [string, string, unknown][] = [
  ['GET', '/canary-75', undefined],
  ['GET', '/servers/canary-75', undefined],
  ['GET', '/servers?space=canary-75', undefined],
  ['GET', '/sets?space=canary-75', undefined],
  ['GET', '/tools?client=canary-75', undefined],
  ['GET', '/spaces/canary-75', undefined],
  ['GET', '/clients/canary-75', undefined],
  ['GET', '/keys?client=canary-75', undefined],
  ['DELETE', '/servers/canary-75', {}],
  ['DELETE', '/spaces/canary-75', {}],
  ['DELETE', '/clients/canary-75', {}],
  ['DELETE', '/keys/canary-75', {}],
  ['DELETE', '/sets/canary-75', {}],
  ['DELETE', '/settings/canary-75', {}],
  ['PUT', '/settings/canary-75', { value: 1 }],
  ['PUT', '/settings/port', { value: 'canary-75' }],
  ['PUT', '/settings/port', { value: -1 }],
  ['PUT', '/servers/canary-75/values', { values: [{ id: 'a', value: 'canary-75' }] }],
  ['PATCH', '/servers/canary-75', { name: 'canary-75' }],
  ['PATCH', '/spaces/canary-75', { name: 'canary-75' }],
  ['POST', '/servers', { name: 'canary-75' }],
  ['POST', '/servers/canary-75/connect', {}],
  ['POST', '/servers/canary-75/call?tool=x', {}],
  ['POST', '/spaces', { name: '' }],
  ['POST', '/spaces', 'canary-75'],
  ['POST', '/sets', { spaceId: 'canary-75', name: 'x', members: [] }],
  ['POST', '/keys', { client: 'x', set: 'y' }],
  ['GET', '/logs?level=canary-75', undefined],
  ['GET', '/logs?limit=-1', undefined],
  ['GET', '/logs?since=canary-75', undefined],
  ['GET', '/logs?canary-75=1', undefined],
  ['GET', '/logs/stream?server=canary-75', undefined],
  ['GET', '/servers/canary-75/logs', undefined],
]

test('[threat.75] window and command line get a known code and a sentence', async () => {
  for (const [method, path, body] of toAdmin) {
    const answer = await daemon.fetch(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const where = `${method} ${path}`
    expect([where, answer.status >= 400 && answer.status < 500, inside.exec(text)?.[0] ?? null]).toEqual([
      where,
      true,
      null,
    ])
    const problem = JSON.parse(text) as { code: string; message: string }
    expect([where, errorCodes.some((code) => code === problem.code), Object.keys(problem)]).toEqual([
      where,
      true,
      ['code', 'message'],
    ])
    expect(problem.message.length).toBeGreaterThan(5)
  }
})

test('[threat.75] the command line never shows a stack', async () => {
  const lines = [
    ['nope'],
    ['show', 'nope'],
    ['call', 'absent/x'],
    ['call', 'raw/nope'],
    ['key', 'rotate', 'nope'],
    ['config', 'set', 'port', 'x'],
  ]
  for (const args of [...lines, ['serve', '--port', '0'], ['space', 'remove', 'Default', '--yes']]) {
    const { code, stdout, stderr } = await daemon.cli(args)
    expect([args, code > 0, stdout, /\.ts:\d+|\bat [^ ]+ \(|SELECT /.exec(stderr)?.[0] ?? null]).toEqual([
      args,
      true,
      '',
      null,
    ])
    expect(stderr).toStartWith('mcpmux')
  }
})
