// Tasks of both dialects at the real door: two clients, and servers whose ids of tasks are equal.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, repository } from '../support/daemon'
import { sessionHeaders } from '../support/door'
import { modern } from '../support/modern-client'
import { openRawSession, type RawSession } from '../support/raw-client'
import { startSourceDaemon } from '../support/source-daemon'
import { readEvents } from '../support/sse-reader'

const server = (...words: string[]) => [
  process.execPath,
  join(repository, 'tests/servers/tasks-stdio.ts'),
  ...words,
]
const related = 'io.modelcontextprotocol/related-task'

interface Answer {
  result?: Record<string, unknown>
  error?: { code: number; message: string }
}

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let keys: [string, string]
let one: RawSession
let two: RawSession
beforeAll(async () => {
  daemon = await startSourceDaemon()
  for (const [name, ...words] of [
    ['first'],
    ['second'],
    ['third', 'legacy', 'broken'],
    ['ext', 'modern'],
  ] as const)
    await daemon.cli(['add', name, '--yes', '--', ...server(...words)])
  const key = async (name: string) => (await daemon.cli(['key', 'create', name])).stdout.trim()
  keys = [await key('one'), await key('two')]
  one = await openRawSession(daemon.mcpUrl, keys[0])
  two = await openRawSession(daemon.mcpUrl, keys[1])
})
afterAll(() => daemon[Symbol.asyncDispose]())

async function send(session: RawSession, method: string, params: object): Promise<Answer> {
  const { message } = await session.post(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }))
  return JSON.parse(message) as Answer
}

async function make(session: RawSession, tool: string, word: string): Promise<string> {
  const { result } = await send(session, 'tools/call', {
    name: tool,
    arguments: { word },
    task: { ttl: 60_000 },
  })
  return (result?.task as { taskId: string }).taskId
}

const wordOf = async (session: RawSession, taskId: string) =>
  ((await send(session, 'tasks/result', { taskId })).result?.content as { text: string }[])[0]?.text

async function listed(session: RawSession): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: unknown; ; ) {
    const { result } = await send(session, 'tasks/list', cursor === undefined ? {} : { cursor })
    ids.push(...(result?.tasks as { taskId: string }[]).map(({ taskId }) => taskId))
    cursor = result?.nextCursor
    if (cursor === undefined) return ids
  }
}

const modernSend = (key: string, method: string, params: Record<string, unknown>) =>
  modern(daemon.mcpUrl, key, {
    method,
    params,
    headers: typeof params.taskId === 'string' ? { 'Mcp-Name': params.taskId } : {},
  })

test('[mcp.tasks] two clients and two servers with equal ids: each gets its own tasks and nobody another', async () => {
  const a1 = await make(one, 'first_make', 'one at first')
  const a2 = await make(one, 'second_make', 'one at second')
  const b1 = await make(two, 'first_make', 'two at first')
  const b3 = await make(two, 'third_make', 'two at third')
  expect([a1, a2, b3].map((id) => id.slice(-4))).toEqual(['.t-1', '.t-1', '.t-1'])
  expect(new Set([a1, a2, b1, b3]).size).toBe(4)
  expect(await wordOf(one, a1)).toBe('one at first')
  expect(await wordOf(one, a2)).toBe('one at second')
  expect(await wordOf(two, b1)).toBe('two at first')
  const made = a1.slice(0, -1)
  const wrong: [RawSession, string][] = [
    [two, a1],
    [two, a2],
    [one, b1],
    [one, 't-1'],
    [one, `${made}2`],
    [one, ''],
  ]
  for (const [session, taskId] of wrong)
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
      expect((await send(session, method, { taskId })).error).toMatchObject({ code: -32602 })
  const wrongMeta = { name: 'first_make', _meta: { [related]: { taskId: b1 } } }
  expect((await send(one, 'tools/call', wrongMeta)).error?.code).toBe(-32602)
  // A server that fails to list costs only its own part.
  expect(await listed(one)).toEqual([a1, a2])
  expect(await listed(two)).toEqual([b1])
  expect((await send(one, 'tasks/list', { cursor: 'nonsense' })).error?.code).toBe(-32602)
})

test('[mcp.tasks] what belongs to a task names it by the id of the client, both ways', async () => {
  const taskId = await make(one, 'second_make', 'again')
  const own = taskId.slice(taskId.indexOf('.') + 1)
  const result = await send(one, 'tasks/result', { taskId })
  expect(result.result?._meta).toEqual({ [related]: { taskId } })
  const got = await send(one, 'tasks/get', { taskId, _meta: { [related]: { taskId }, 'acme/x': 1 } })
  expect(got.result).toMatchObject({
    taskId,
    word: 'again',
    got: { [related]: { taskId: own }, 'acme/x': 1 },
  })
})

test('[mcp.tasks] a status is told to the client that has the task, and to no other', async () => {
  const streams = await Promise.all(
    ([one, two] as const).map(async ({ id }, i) =>
      readEvents(await fetch(daemon.mcpUrl, { headers: sessionHeaders(keys[i] ?? '', id) })),
    ),
  )
  const taskId = await make(two, 'second_make', 'told')
  const status = `"taskId":"${taskId}","status":"completed"`
  const heard = await eventually(
    async () => streams[1]?.text() ?? '',
    (seen) => seen.includes(status),
  )
  expect(heard).toContain(status)
  expect(streams[0]?.text()).not.toContain('.t-3"')
})

test('[mcp.tasks] the extension passes with ids of the client', async () => {
  const [mine, other] = keys
  const made = await modernSend(mine, 'tools/call', { name: 'ext_make', arguments: { word: 'ext' } })
  expect(made.message.result).toMatchObject({ resultType: 'task', status: 'working' })
  const taskId = made.message.result?.taskId as string
  expect(taskId).toMatch(/^[\w-]{22}\.t-1$/)
  expect((await modernSend(mine, 'tasks/get', { taskId })).message.result).toMatchObject({
    taskId,
    word: 'ext',
  })
  const update = await modernSend(mine, 'tasks/update', { taskId, inputResponses: {} })
  expect(update.message.result).toMatchObject({ got: 't-1' })
  for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel'])
    expect((await modernSend(other, method, { taskId })).message.error?.code).toBe(-32602)
})

test('[mcp.tasks] tasks and extensions are offered as the servers have them, each to its era', async () => {
  const offered = async (version: string) => {
    const hello = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'x', version: '1' } }
    return (await send(one, 'initialize', hello)).result?.capabilities as Record<string, unknown>
  }
  expect((await offered('2025-11-25')).tasks).toEqual({
    list: {},
    cancel: {},
    requests: { tools: { call: {} } },
  })
  expect(await offered('2025-06-18')).not.toHaveProperty('tasks')
  const { message } = await modernSend(keys[0], 'server/discover', {})
  const capabilities = message.result?.capabilities as Record<string, unknown>
  expect(capabilities).not.toHaveProperty('tasks')
  expect(capabilities.extensions).toEqual({
    'io.modelcontextprotocol/tasks': {},
    'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] },
  })
})

test('[mcp.tasks] [mcp.resources] tools of two servers point at the ui:// page of their own server', async () => {
  const { result } = await send(one, 'tools/list', {})
  const tools = result?.tools as { name: string; _meta: Record<string, unknown> }[]
  for (const name of ['first', 'second']) {
    const meta = tools.find((tool) => tool.name === `${name}_make`)?._meta
    const uri = `ui://mcpmux+${name}/panel`
    expect(meta).toEqual({ ui: { resourceUri: uri }, 'ui/resourceUri': uri })
  }
  const read = async (uri: string) =>
    ((await send(one, 'resources/read', { uri })).result?.contents as { uri: string; text: string }[])[0]
  const first = await read('ui://mcpmux+first/panel')
  const second = await read('ui://mcpmux+second/panel')
  expect([first?.uri, second?.uri]).toEqual(['ui://mcpmux+first/panel', 'ui://mcpmux+second/panel'])
  expect(first?.text).not.toBe(second?.text)
})
