// A client that follows the active Space, while a person switches it, through the compiled binary.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  PromptListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { join } from 'node:path'
import { controlOf } from '../support/control'
import { eventually, repository, startDaemon, type Daemon } from '../support/daemon'
import { mcpHeaders, openRawSession, type RawSession } from '../support/raw-client'
import { readEvents } from '../support/sse-reader'

let daemon: Daemon
let key: string
let pinned: string

const add = (name: string, space: string, program: string) =>
  daemon.ok('add', name, '--space', space, '--yes', '--', process.execPath, join(repository, program))
/** Not by the command line, whose start takes as long as the machine makes it: calls are open that end by themselves. */
async function use(name: string): Promise<void> {
  const control = controlOf(daemon)
  const spaces = await control.get<{ id: string; name: string }[]>('/spaces')
  await control.send('POST', `/spaces/${spaces.find((space) => space.name === name)?.id}/use`, {})
}

beforeAll(async () => {
  daemon = await startDaemon()
  await daemon.ok('space', 'create', 'Work')
  await add('edges', 'Default', 'tests/servers/edges-stdio.ts')
  await add('judge', 'Work', 'tests/servers/conformance-server.ts')
  key = (await daemon.ok('key', 'create', 'follower')).trim()
  pinned = (await daemon.ok('key', 'create', 'pinned', '--space', 'Default')).trim()
  await daemon.ok('key', 'create', 'follower', '--space', 'Work', '--yes')
  const control = controlOf(daemon)
  const clients = await control.get<{ id: string; name: string }[]>('/clients')
  const follower = clients.find(({ name }) => name === 'follower')
  await control.send('PATCH', `/clients/${follower?.id}`, { spaceId: null })
})
afterAll(() => daemon[Symbol.asyncDispose]())

const headersOf = (session: RawSession, bearer: string) => ({
  ...mcpHeaders(bearer),
  'Mcp-Session-Id': session.id,
})
const post = async (session: RawSession, id: unknown, method: string, params: object = {}) =>
  readEvents(
    await fetch(daemon.mcpUrl, {
      method: 'POST',
      headers: headersOf(session, key),
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    }),
  )
const changes = (stream: ReturnType<typeof readEvents>) =>
  stream
    .messages()
    .flatMap(({ method }) => /^notifications\/(\w+)\/list_changed$/.exec(String(method))?.[1] ?? [])
    .sort()

test('[space.switch] whoever listens, or has a call open, or calls next, is told which lists changed', async () => {
  const sessions = await Promise.all([0, 1, 2].map(() => openRawSession(daemon.mcpUrl, key)))
  const [listening, streaming, silent] = sessions
  const other = await openRawSession(daemon.mcpUrl, pinned)
  if (!listening || !streaming || !silent) throw new Error('no sessions')
  const listen = async (session: RawSession, bearer: string) =>
    readEvents(await fetch(daemon.mcpUrl, { headers: headersOf(session, bearer) }))
  const stream = await listen(listening, key)
  const unaffected = await listen(other, pinned)
  const late = { name: 'edges_late', arguments: { ms: 2500 } }
  const call = post(streaming, 'long', 'tools/call', late)
  await post(silent, 1, 'tools/list')

  await use('Work')
  const all = ['prompts', 'resources', 'tools']
  for (const told of [stream, await call])
    expect(
      await eventually(
        () => changes(told),
        (seen) => seen.length >= all.length,
      ),
    ).toEqual(all)
  const { finished, messages } = await call
  await finished
  expect(messages().at(-1)).toMatchObject({ id: 'long', result: { content: [{ type: 'text' }] } })

  const next = await post(silent, 9, 'tools/list')
  await next.finished
  expect(changes(next)).toEqual(all)
  expect(JSON.stringify(next.messages().at(-1))).toContain('judge_test_simple_text')
  const after = await silent.post('{"jsonrpc":"2.0","id":10,"method":"tools/list"}')
  expect(after.headers.get('content-type')).toContain('json')
  expect(changes(unaffected)).toEqual([])

  await use('Default')
})

test('[space.switch] clients of both SDK lines read the new lists and call what is there now', async () => {
  const requestInit = { headers: { Authorization: `Bearer ${key}` } }
  const url = new URL(daemon.mcpUrl)
  const heard: string[] = []
  const v1 = new ClientV1({ name: 'one', version: '1' })
  v1.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push('v1 tools'))
  v1.setNotificationHandler(PromptListChangedNotificationSchema, () => void heard.push('v1 prompts'))
  await v1.connect(new HttpV1(url, { requestInit }))
  const v2 = new ClientV2({ name: 'two', version: '1' })
  v2.setNotificationHandler('notifications/tools/list_changed', () => void heard.push('v2 tools'))
  v2.setNotificationHandler('notifications/prompts/list_changed', () => void heard.push('v2 prompts'))
  await v2.connect(new HttpV2(url, { requestInit }))
  try {
    for (const [space, tool] of [
      ['Work', 'judge_test_simple_text'],
      ['Default', 'edges_tool-50'],
    ] as const) {
      heard.length = 0
      await use(space)
      await eventually(
        () => [...heard].sort(),
        (seen) => seen.join() === 'v1 prompts,v1 tools,v2 prompts,v2 tools',
      )
      for (const client of [v1, v2]) {
        const { tools } = await client.listTools()
        expect(tools.some(({ name }) => name === tool)).toBe(true)
        expect((await client.callTool({ name: tool })).isError).toBeFalsy()
      }
    }
  } finally {
    await Promise.all([v1.close(), v2.close()])
  }
})
