// Clients of 2026-07-28 at the real door, with servers of the older era behind it.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, repository } from '../support/daemon'
import { type Modern, modern, modernFetch } from '../support/modern-client'
import { everythingStdio } from '../support/reference-servers'
import { startSourceDaemon } from '../support/source-daemon'
import { readEvents } from '../support/sse-reader'

const server = (file: string, ...args: string[]) => [
  process.execPath,
  join(repository, 'tests/servers', file),
  ...args,
]
const everything = { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} } }

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let key: string
beforeAll(async () => {
  daemon = await startSourceDaemon()
  await daemon.cli(['add', 'asking', '--yes', '--', ...server('asking-stdio.ts')])
  await daemon.cli(['add', 'every', '--yes', '--', ...everythingStdio])
  key = (await daemon.cli(['key', 'create', 'one'])).stdout.trim()
})
afterAll(() => daemon[Symbol.asyncDispose]())

const send = (given: Modern) => modern(daemon.mcpUrl, key, given)
const call = (name: string, args: object, more: Partial<Modern> = {}) =>
  send({ method: 'tools/call', ...more, params: { name, arguments: args, ...more.params } })
const textOf = (result: Record<string, unknown> | undefined) =>
  (result?.content as { text: string }[] | undefined)?.[0]?.text ?? ''

test('[mcp.modern] discovery says what is spoken, what there is, and who answers', async () => {
  const { status, headers, message } = await send({ method: 'server/discover', id: 'd-1' })
  expect(status).toBe(200)
  expect(headers.get('mcp-session-id')).toBeNull()
  expect(message).toMatchObject({
    id: 'd-1',
    result: {
      resultType: 'complete',
      supportedVersions: expect.arrayContaining(['2026-07-28', '2025-11-25']),
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'mcpmux' } },
    },
  })
})

test('[mcp.modern] lists, calls and reads work without a session, and say how long they are good', async () => {
  for (const [method, member] of [
    ['tools/list', 'tools'],
    ['prompts/list', 'prompts'],
    ['resources/list', 'resources'],
    ['resources/templates/list', 'resourceTemplates'],
  ] as const) {
    const { message } = await send({ method })
    expect(message.result).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
    expect((message.result?.[member] as unknown[]).length).toBeGreaterThan(0)
  }
  const { message } = await call('every_echo', { message: 'hello' })
  expect(message.result?.resultType).toBe('complete')
  expect(textOf(message.result)).toContain('hello')
  const [resource] = (await send({ method: 'resources/list' })).message.result?.resources as { uri: string }[]
  const read = await send({ method: 'resources/read', params: { uri: resource?.uri } })
  expect(read.message.result).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
  const prompt = await send({ method: 'prompts/get', params: { name: 'every_simple-prompt' } })
  expect(prompt.message.result?.messages).toHaveLength(1)
})

test('[mcp.modern] progress and wanted log messages come on the stream of the call', async () => {
  const args = { duration: 0.2, steps: 4 }
  const name = 'every_trigger-long-running-operation'
  const { before, message } = await call(name, args, { meta: { progressToken: 'p-1' } })
  expect(message.result?.resultType).toBe('complete')
  const steps = before.filter(({ method }) => method === 'notifications/progress')
  expect(steps.map(({ params }) => (params as { progressToken: string }).progressToken)).toEqual(
    steps.map(() => 'p-1'),
  )
  expect(steps.length).toBeGreaterThan(0)
})

test('[mcp.modern] what is not there is said with the status and number of its kind', async () => {
  const cases: [Modern, number, number, string][] = [
    [{ method: 'initialize' }, 404, -32601, 'rpc.method_unknown'],
    [{ method: 'ping' }, 404, -32601, 'rpc.method_unknown'],
    [{ method: 'logging/setLevel', params: { level: 'info' } }, 404, -32601, 'rpc.method_unknown'],
    [{ method: 'resources/subscribe', params: { uri: 'x:' } }, 404, -32601, 'rpc.method_unknown'],
    [{ method: 'acme/x' }, 404, -32601, 'rpc.method_unknown'],
    [{ method: 'tools/call', params: { name: 'nobody' } }, 200, -32602, 'feature.unknown'],
    [{ method: 'resources/read', params: { uri: 'x:none' } }, 200, -32602, 'resource.unknown'],
    [
      { method: 'tools/list', meta: { 'io.modelcontextprotocol/logLevel': 'loud' } },
      200,
      -32602,
      'rpc.params',
    ],
  ]
  for (const [given, status, code, name] of cases) {
    const answer = await send({ ...given, id: 'i' })
    const { id, error } = answer.message
    expect([given.method, answer.status, id, error?.code, error?.data?.code]).toEqual([
      given.method,
      status,
      'i',
      code,
      name,
    ])
  }
  for (const method of ['GET', 'DELETE']) {
    const headers = { Authorization: `Bearer ${key}`, 'MCP-Protocol-Version': '2026-07-28' }
    expect((await fetch(daemon.mcpUrl, { method, headers })).status).toBe(405)
  }
})

test('[mcp.modern] [mcp.back-channel] what a server asks during a call comes as input that is required, round by round', async () => {
  const params = '{"message":"\\u00e9","requestedSchema":{"type":"object"},"n":1.50}'
  const args = { method: 'elicitation/create', params }
  const first = await call('asking_ask', args, { id: 1, capabilities: everything })
  expect(first.message.result?.resultType).toBe('input_required')
  expect(first.text).toContain(`"params":${params}`)
  const { inputRequests, requestState } = first.message.result as {
    inputRequests: Record<string, { method: string }>
    requestState: string
  }
  const [name = '', ...others] = Object.keys(inputRequests)
  expect(others).toEqual([])
  const again = await call('asking_ask', args, { id: 2, capabilities: everything, params: { requestState } })
  expect(again.message.result?.resultType).toBe('input_required')
  expect(Object.keys(again.message.result?.inputRequests as object)).toEqual([name])
  const inputResponses = { [name]: { action: 'accept', content: { n: 1 } }, unknown: {} }
  const state = again.message.result?.requestState as string
  const last = await call('asking_ask', args, {
    id: 'x',
    capabilities: everything,
    params: { requestState: state, inputResponses },
  })
  expect(last.message.id).toBe('x')
  expect(textOf(last.message.result)).toContain('"result":{"action":"accept","content":{"n":1}}')
})

test('[mcp.modern] [mcp.back-channel] several questions at once are one round', async () => {
  const args = { method: 'roots/list', params: '{}', count: 3 }
  const first = await call('asking_ask', args, { capabilities: everything })
  const { inputRequests, requestState } = first.message.result as {
    inputRequests: object
    requestState: string
  }
  const names = Object.keys(inputRequests)
  expect(names).toHaveLength(3)
  const inputResponses = Object.fromEntries(names.map((name) => [name, { roots: [], name }]))
  const last = await call('asking_ask', args, { id: 2, params: { requestState, inputResponses } })
  const said = textOf(last.message.result).split('\n')
  expect(said.map((line) => /"name":"(\d+)"/.exec(line)?.[1])).toEqual(names)
})

test('[mcp.modern] a client that did not declare it is not asked', async () => {
  const { message } = await call('asking_ask', { method: 'sampling/createMessage', params: '{}' })
  expect(message.result?.resultType).toBe('complete')
  expect(textOf(message.result)).toContain('-32601')
})

test('[mcp.modern] [mcp.cancellation] closing the stream cancels the call at the server', async () => {
  const abort = new AbortController()
  const held = modernFetch(daemon.mcpUrl, key, {
    method: 'tools/call',
    params: { name: 'asking_hold', arguments: {} },
    signal: abort.signal,
  }).then(
    () => 'answered',
    () => 'closed',
  )
  await eventually(
    async () => textOf((await call('asking_holding', {})).message.result),
    (text) => text === '1',
  )
  abort.abort()
  expect(await held).toBe('closed')
  await eventually(
    async () => textOf((await call('asking_cancelled', {})).message.result),
    (text) => text !== '',
  )
})

test('[mcp.modern] [mcp.list-changed] a stream of changes carries what was asked for, with its own id', async () => {
  const open = async (id: string, notifications: object) => {
    const abort = new AbortController()
    const { signal } = abort
    const response = await modernFetch(daemon.mcpUrl, key, {
      method: 'subscriptions/listen',
      id,
      params: { notifications },
      signal,
    })
    return { reader: readEvents(response), abort }
  }
  const [resource] = (await send({ method: 'resources/list' })).message.result?.resources as { uri: string }[]
  const uri = resource?.uri ?? ''
  const tools = await open('tools', { toolsListChanged: true })
  const prompts = await open('prompts', {
    promptsListChanged: true,
    resourceSubscriptions: [uri, 'x:nowhere'],
  })
  const first = async ({ reader }: typeof tools) =>
    (
      await eventually(
        () => reader.messages(),
        (messages) => messages.length > 0,
      )
    )[0]
  const tag = (id: string) => ({ _meta: { 'io.modelcontextprotocol/subscriptionId': id } })
  expect(await first(tools)).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/subscriptions/acknowledged',
    params: { ...tag('tools'), notifications: { toolsListChanged: true } },
  })
  expect((await first(prompts))?.params).toEqual({
    ...tag('prompts'),
    notifications: { promptsListChanged: true, resourceSubscriptions: [uri] },
  })
  await daemon.cli(['add', 'more', '--yes', '--', ...server('echo-stdio.ts')])
  const told = await eventually(
    () => tools.reader.messages().slice(1),
    (messages) => messages.length > 0,
  )
  expect(told[0]).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/tools/list_changed',
    params: tag('tools'),
  })
  expect(prompts.reader.messages()).toHaveLength(1)
  const nothing = await open('nothing', {})
  await nothing.reader.finished
  expect(nothing.reader.messages().map(({ method, result }) => method ?? result)).toEqual([
    'notifications/subscriptions/acknowledged',
    { resultType: 'complete', ...tag('nothing') },
  ])
  tools.abort.abort()
  prompts.abort.abort()
})

test('[mcp.modern] a stream of changes ends with the key it was opened with', async () => {
  const other = (await daemon.cli(['key', 'create', 'short'])).stdout.trim()
  const response = await modernFetch(daemon.mcpUrl, other, {
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true } },
  })
  const reader = readEvents(response)
  await eventually(
    () => reader.messages().length,
    (count) => count === 1,
  )
  await daemon.cli(['key', 'revoke', 'short'])
  await reader.finished
  expect((await modern(daemon.mcpUrl, other, { method: 'tools/list' })).status).toBe(401)
})
