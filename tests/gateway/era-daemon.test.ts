// Servers of both eras behind one gateway: added, shown, changed and called by a client of the older era.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { ServerView } from '../../gateway/admin/server-view'
import { openAskedClient } from '../support/asked-client'
import { eventually, repository } from '../support/daemon'
import { startEraHttp } from '../support/era-http'
import { openCaller, scripted, textOf, type Caller } from '../support/scripted'
import { startSourceDaemon } from '../support/source-daemon'

const sdk = (...args: string[]) => [process.execPath, join(repository, 'tests/servers/sdk-eras.ts'), ...args]

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let http: Awaited<ReturnType<typeof startEraHttp>>
let key: string
let caller: Caller
beforeAll(async () => {
  daemon = await startSourceDaemon()
  http = await startEraHttp('sdk-eras.ts', 'modern')
  await daemon.cli(['add', 'both', '--yes', '--', ...sdk('stdio', 'both')])
  await daemon.cli(['add', 'set', '--era', 'legacy', '--yes', '--', ...sdk('stdio', 'both')])
  await daemon.cli(['add', 'older', '--yes', '--', ...scripted('plain')])
  await daemon.cli(['add', 'web', '--yes', '--url', http.url])
  key = (await daemon.cli(['key', 'create', 'tester'])).stdout.trim()
  caller = await openCaller(daemon, key)
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await http[Symbol.asyncDispose]()
})

const view = async (name: string): Promise<ServerView> => {
  const all = JSON.parse((await daemon.cli(['list', '--json'])).stdout) as ServerView[]
  const found = all.find((server) => server.name === name)
  if (!found) throw new Error(`no ${name}`)
  return found
}
const patch = (id: string, body: object) =>
  daemon.fetch(`http://localhost/servers/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('[mcp.era] list and show say what was chosen and what was found', async () => {
  const found = Object.fromEntries(
    await Promise.all(
      ['both', 'set', 'older', 'web'].map(async (name) => {
        const { era, eraFound, state } = await view(name)
        return [
          name,
          [era, eraFound?.era ?? null, state.status === 'ready' ? state.protocolVersion : null],
        ] as const
      }),
    ),
  )
  expect(found).toEqual({
    both: ['auto', 'modern', '2026-07-28'],
    set: ['legacy', null, '2025-11-25'],
    older: ['auto', 'legacy', '2025-11-25'],
    web: ['auto', 'modern', '2026-07-28'],
  })
  expect((await daemon.cli(['show', 'both'])).stdout).toMatch(/speaks {4}modern \(found .+\)/)
  expect((await daemon.cli(['show', 'set'])).stdout).toContain('speaks    legacy (as set)')
})

test('[cli] an era that is none, or that a transport does not have, is refused', async () => {
  const none = await daemon.cli(['add', 'x', '--era', 'old', '--yes', '--', 'true'])
  expect([none.code, none.stderr]).toEqual([
    2,
    expect.stringContaining('--era is auto, legacy or modern') as string,
  ])
  const sse = await daemon.cli([
    'add',
    'x',
    '--era',
    'modern',
    '--yes',
    '--url',
    'http://127.0.0.1:1/sse',
    '--transport',
    'sse',
  ])
  expect(sse.code).not.toBe(0)
  expect(sse.stderr).toContain('input.invalid')
})

test('[admin] an era that is set acts at once; the consent stays, and another definition forgets what was found', async () => {
  const { id } = await view('both')
  expect((await patch(id, { era: 'legacy' })).status).toBe(200)
  expect(textOf(await caller.call('both_envelope'))).toBe('null')
  // It answers before its lists were read; until then it is not called ready.
  const legacy = await eventually(
    () => view('both'),
    ({ state }) => state.status === 'ready',
  )
  expect(legacy).toMatchObject({ era: 'legacy', state: { protocolVersion: '2025-11-25' } })
  expect((await patch(id, { era: 'auto' })).status).toBe(200)
  expect(textOf(await caller.call('both_envelope'))).toContain('2026-07-28')
  expect((await patch(id, { era: 'newest' })).status).toBe(422)
  const { id: older, definition } = await view('older')
  if (definition.type !== 'stdio') throw new Error('not stdio')
  const changed = { ...definition, args: [...definition.args, 'more'] }
  expect((await patch(older, { definition: changed })).status).toBe(200)
  expect((await view('older')).eraFound).toBeNull()
})

for (const server of ['both', 'web'])
  test(`[mcp.back-channel] a question of a modern server (${server}) reaches the client of its call`, async () => {
    const client = await openAskedClient(daemon.mcpUrl, key, { elicitation: {} })
    const call = await client.call(7, `${server}_ask`)
    const asked = await eventually(
      () => call.messages().find(({ method }) => method === 'elicitation/create'),
      (found) => found !== undefined,
    )
    await client.send(
      `{"jsonrpc":"2.0","id":${JSON.stringify(asked?.id)},"result":{"action":"accept","content":{"name":"Ö"}}}`,
    )
    expect(JSON.stringify(await call.answer())).toContain('Ö')
  })

test('[mcp.list-changed] a changed list of a modern server is read again and announced', async () => {
  const client = await openAskedClient(daemon.mcpUrl, key, {})
  const stream = await client.listen()
  await caller.call('web_change')
  await eventually(
    () => caller.names(),
    (names) => names.includes('web_changed-1'),
  )
  await eventually(
    () => stream.text(),
    (text) => text.includes('notifications/tools/list_changed'),
  )
})

test('[mcp.modern] a tool whose marks for headers are wrong is left out, the others stay', async () => {
  const tools = [
    { name: 'good', inputSchema: { type: 'object' } },
    {
      name: 'bad',
      inputSchema: { type: 'object', properties: { a: { type: 'object', 'x-mcp-header': 'A' } } },
    },
  ]
  const faulty = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const { id, method } = (await request.json()) as { id: number; method: string }
      const result =
        method === 'server/discover'
          ? { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
          : { tools }
      return Response.json({ jsonrpc: '2.0', id, result })
    },
  })
  try {
    await daemon.cli(['add', 'faulty', '--yes', '--url', `${faulty.url}mcp`])
    expect((await caller.names()).filter((name) => name.startsWith('faulty'))).toEqual(['faulty_good'])
    expect((await daemon.cli(['logs', 'faulty'])).stdout).toContain('x-mcp-header')
  } finally {
    await faulty.stop(true)
  }
})
