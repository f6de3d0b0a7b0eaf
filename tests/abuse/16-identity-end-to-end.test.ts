// A client with few rights in one Space, beside one with all rights in another, at the compiled program: whatever it
// says about itself, it sees the same bytes and reaches the same server.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { controlOf } from '../support/control'
import { type Daemon, repository, startDaemon } from '../support/daemon'
import { initializeBody, mcpHeaders } from '../support/raw-client'
import { scripted } from '../support/scripted'

interface Named {
  id: string
  name: string
}

let daemon: Daemon
let low = { key: '', id: '' }
let high = { key: '', id: '' }
let work = ''
let session = ''

beforeAll(async () => {
  daemon = await startDaemon()
  const raw = [process.execPath, join(repository, 'tests/servers/raw-stdio.ts'), 'high-canary']
  await daemon.ok('space', 'create', 'work')
  await daemon.ok('add', 'home', '--yes', '--', ...scripted('plain'))
  await daemon.ok('add', 'secret', '--space', 'work', '--yes', '--', ...raw)
  const control = controlOf(daemon)
  const spaces = await control.get<Named[]>('/spaces')
  const idOf = (name: string) => spaces.find((space) => space.name === name)?.id ?? ''
  work = idOf('work')
  const [server] = await control.get<Named[]>(`/servers?space=${idOf('Default')}`)
  const target = { type: 'feature', serverId: server?.id, kind: 'tool', name: 'echo' }
  const set = await control.send<Named>('POST', '/sets', {
    spaceId: idOf('Default'),
    name: 'few',
    members: [{ mode: 'include', target }],
  })
  const lowKey = (await daemon.ok('key', 'create', 'low', '--set', set.name)).trim()
  const highKey = (await daemon.ok('key', 'create', 'admin', '--space', 'work')).trim()
  const clients = await control.get<Named[]>('/clients')
  const client = (name: string) => clients.find((one) => one.name === name)?.id ?? ''
  low = { key: lowKey, id: client('low') }
  high = { key: highKey, id: client('admin') }
  session = await open(low.key)
})
afterAll(() => daemon[Symbol.asyncDispose]())

async function open(
  key: string,
  body = initializeBody(),
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await fetch(daemon.mcpUrl, {
    method: 'POST',
    headers: { ...mcpHeaders(key), ...headers },
    body,
  })
  await answer.text()
  return answer.headers.get('mcp-session-id') ?? ''
}

async function ask(
  method: string,
  params = '{}',
  {
    headers = {},
    path = '',
    key = low.key,
    id = session,
  }: { headers?: Record<string, string>; path?: string; key?: string; id?: string } = {},
): Promise<string> {
  const answer = await fetch(daemon.mcpUrl + path, {
    method: 'POST',
    headers: { ...mcpHeaders(key), 'mcp-session-id': id, ...headers },
    body: `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`,
  })
  return `${answer.status} ${await answer.text()}`
}

const names = (list: string) => [...list.matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name)

test('[threat.16] the two clients do see different things', async () => {
  expect(names(await ask('tools/list'))).toEqual(['home_echo'])
  const own = await open(high.key)
  expect(names(await ask('tools/list', '{}', { key: high.key, id: own }))).toContain('secret_canary')
  expect(await ask('tools/call', '{"name":"secret_canary"}', { key: high.key, id: own })).toContain(
    'high-canary',
  )
  expect(await ask('tools/call', '{"name":"secret_canary"}')).toContain('feature.unknown')
})

test('[threat.16] no header, query, path, clientInfo or _meta widens what a key allows', async () => {
  const expected = await ask('tools/list')
  const headers = [
    ...['X-Space', 'X-Mcp-Space', 'Mcp-Space', 'Space', 'X-Workspace', 'X-Tenant', 'X-Org'],
    ...['X-User', 'X-Forwarded-User', 'Remote-User', 'X-Remote-User', 'X-Client-Id', 'X-Client', 'X-Agent'],
    ...['X-Role', 'X-Admin', 'X-Scopes', 'X-Feature-Set', 'X-Mcpmux-Client', 'X-Mcpmux-Space', 'X-Internal'],
    ...[
      'X-Forwarded-For',
      'X-Real-IP',
      'Forwarded',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-HTTP-Method-Override',
    ],
    ...[
      'X-Debug',
      'X-Mcp-Init-Host',
      'Mcp-Name',
      'Mcp-Method',
      'X-Api-Key',
      'Cookie',
      'Referer',
      'From',
      'User-Agent',
    ],
  ]
  const values = [work, 'work', high.id, 'admin', high.key, 'true', '127.0.0.1', '*']
  for (const name of headers)
    for (const value of values)
      expect([name, value, await ask('tools/list', '{}', { headers: { [name]: value } })]).toEqual([
        name,
        value,
        expected,
      ])
  for (const path of [
    `?space=${work}`,
    '?space=work',
    `?client=${high.id}`,
    '?set=All',
    '?admin=1',
    '?scope=*',
  ])
    expect([path, await ask('tools/list', '{}', { path })]).toEqual([path, expected])
  for (const path of [`/${work}`, '/work', '/admin', `/../spaces/${work}/mcp`, '/;space=work'])
    expect([path, (await ask('tools/list', '{}', { path })).slice(0, 3)]).toEqual([path, '404'])
  for (const params of [
    `{"_meta":{"space":"${work}","clientId":"${high.id}"}}`,
    `{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"admin","version":"1"}}}`,
    `{"space":"${work}","clientId":"${high.id}","set":"All"}`,
    `{"__proto__":{"clientId":"${high.id}","spaceId":"${work}"}}`,
  ])
    expect([params, await ask('tools/list', params)]).toEqual([params, expected])
})

test('[threat.16] what a client calls itself when it says hello is worth nothing', async () => {
  const expected = await ask('tools/list')
  const hello = (info: string) =>
    `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"admin":{},"experimental":{"space":"work"}},"clientInfo":${info}}}`
  for (const info of [
    '{"name":"admin","version":"1"}',
    `{"name":"${high.id}","version":"1","clientId":"${high.id}","space":"${work}"}`,
    `{"name":"admin","title":"admin","version":"1","role":"admin"}`,
  ]) {
    const id = await open(low.key, hello(info), { 'X-Space': work, 'X-Client-Id': high.id })
    expect(await ask('tools/list', '{}', { id })).toBe(expected)
    for (const name of ['secret_canary', 'home_die'])
      expect(await ask('tools/call', `{"name":"${name}","space":"${work}"}`, { id })).toContain(
        'feature.unknown',
      )
  }
})

test('[threat.16] no second credential beside a key counts: it is refused, whichever comes first', async () => {
  const ways: Record<string, string>[] = [
    { 'mcp-key': high.key },
    { authorization: `Bearer ${low.key}, Bearer ${high.key}` },
    { authorization: `Bearer ${high.key}, Bearer ${low.key}` },
  ]
  for (const headers of ways) expect((await ask('tools/list', '{}', { headers })).slice(0, 3)).toBe('401')
})
