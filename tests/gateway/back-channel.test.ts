// What a server asks of clients over one shared child: who is asked, who is not, and what comes back.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { openAskedClient, type OpenCall } from '../support/asked-client'
import { eventually, repository } from '../support/daemon'
import { startSourceDaemon } from '../support/source-daemon'

const server = [process.execPath, join(repository, 'tests/servers/asking-stdio.ts')]
const everything = { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} } }

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let keys: string[]
beforeAll(async () => {
  daemon = await startSourceDaemon()
  await daemon.cli(['add', 'asking', '--yes', '--', ...server])
  keys = await Promise.all(
    ['one', 'two'].map(async (name) => (await daemon.cli(['key', 'create', name])).stdout.trim()),
  )
})
afterAll(() => daemon[Symbol.asyncDispose]())

const client = (capabilities: object = everything, key = 0) =>
  openAskedClient(daemon.mcpUrl, keys[key] ?? '', capabilities)
const question = (call: OpenCall) =>
  eventually(
    () =>
      call.messages().find(({ method }) => method !== undefined) as {
        id: number
        method: string
        params?: { _meta?: object }
      },
    (found) => found !== undefined,
  )
const said = async (call: OpenCall): Promise<string> => {
  const { result } = (await call.answer()) as { result: { content: { text: string }[] } }
  return result.content[0]?.text ?? ''
}

const requests: [string, string, string][] = [
  [
    'sampling/createMessage',
    '{"maxTokens":1.0,"messages":[],"x-vendor":{"a":[1e2]}}',
    '{"role":"assistant"}',
  ],
  ['elicitation/create', '{"message":"\\u00e9","requestedSchema":{"type":"object"}}', '{"action":"accept"}'],
  [
    'elicitation/create',
    '{"mode":"url","elicitationId":"e1","url":"https://x/?a=1"}',
    '{"action":"decline"}',
  ],
  ['roots/list', '{"_meta":{"k":1.50}}', '{"roots":[{"uri":"file:///one","name":"1.0"}]}'],
]

for (const [method, params, result] of requests)
  test(`[mcp.back-channel] ${method} reaches the client on the stream of its call, and the answer the server: ${params}`, async () => {
    const one = await client()
    const call = await one.call(7, 'asking_ask', { method, params })
    const asked = await question(call)
    expect(asked.method).toBe(method)
    expect(call.text()).toContain(`"params":${params}`)
    expect(await one.send(`{"jsonrpc":"2.0","id":${asked.id},"result":${result}}`)).toBe(202)
    expect(await said(call)).toContain(`"result":${result}`)
  })

test('[mcp.back-channel] an error of the client reaches the server with code, message and data', async () => {
  const one = await client()
  const call = await one.call(1, 'asking_ask', { method: 'elicitation/create', params: '{}' })
  const { id } = await question(call)
  const error = '{"code":-1,"message":"User rejected","data":{"n":1.0}}'
  await one.send(`{"jsonrpc":"2.0","id":${id},"error":${error}}`)
  expect(await said(call)).toContain(`"error":${error}`)
})

test('[mcp.back-channel] two questions of one call are two, answered in either order', async () => {
  const one = await client()
  const call = await one.call(1, 'asking_ask', { method: 'roots/list', params: '{}', count: 2 })
  const ids = await eventually(
    () => call.messages().flatMap(({ id, method }) => (method ? [Number(id)] : [])),
    (found) => found.length === 2,
  )
  for (const id of [...ids].reverse()) await one.send(`{"jsonrpc":"2.0","id":${id},"result":{"n":${id}}}`)
  const answers = (await said(call)).split('\n')
  expect(answers.map((line) => /"n":(\d+)/.exec(line)?.[1])).toEqual(ids.map(String))
})

test('[mcp.back-channel] what a client did not declare is not asked of it', async () => {
  const cases: [object, string, string][] = [
    [{}, 'sampling/createMessage', '{}'],
    [{}, 'elicitation/create', '{}'],
    [{ elicitation: {} }, 'elicitation/create', '{"mode":"url"}'],
    [{ elicitation: { url: {} } }, 'elicitation/create', '{}'],
    [{ sampling: {} }, 'sampling/createMessage', '{"tools":[]}'],
    [everything, 'acme/ask', '{}'],
  ]
  for (const [capabilities, method, params] of cases) {
    const call = await (await client(capabilities)).call(1, 'asking_ask', { method, params })
    expect([method, params, await said(call)]).toEqual([method, params, expect.stringContaining('-32601')])
    expect(call.messages().filter((message) => 'method' in message)).toEqual([])
  }
  const rootless = await (await client({})).call(1, 'asking_ask', { method: 'roots/list', params: '{}' })
  expect(await said(rootless)).toContain('"result":{"roots":[]}')
})

test('[mcp.back-channel] outside a call the roots are an empty list, and nothing else can be asked', async () => {
  const call = await (await client()).call(1, 'asking_asked')
  const answers = await said(call)
  expect(answers).toContain('"result":{"roots":[]}')
  expect(answers).toContain('-32601')
})

test('[mcp.back-channel] [threat.45] while calls of two clients are open nobody is asked; with one left its client is', async () => {
  const [one, two] = [await client(everything, 0), await client(everything, 1)]
  const held = two.call(3, 'asking_hold')
  const ask = { method: 'elicitation/create', params: '{"message":"secret of one"}' }
  await eventually(
    async () => said(await one.call(1, 'asking_ask', ask)),
    (text) => text.includes('cannot tell'),
  )
  await said(await one.call(2, 'asking_release'))
  expect(await said(await held)).toBe('released')
  expect((await held).text()).not.toContain('secret of one')
  const alone = await one.call(4, 'asking_ask', ask)
  const { id } = await question(alone)
  await one.send(`{"jsonrpc":"2.0","id":${id},"result":{"action":"cancel"}}`)
  expect(await said(alone)).toContain('"action":"cancel"')
})

test('[mcp.back-channel] several calls of one session are no ambiguity, the newest is asked', async () => {
  const one = await client()
  const held = one.call(3, 'asking_hold')
  await eventually(
    async () => said(await one.call(2, 'asking_holding')),
    (count) => count === '1',
  )
  // So many that ids of the connection come to every place of its table.
  for (let i = 4; i < 74; i++) {
    const call = await one.call(i, 'asking_ask', { method: 'roots/list', params: '{}' })
    const { id } = await question(call)
    await one.send(`{"jsonrpc":"2.0","id":${id},"result":{"roots":[]}}`)
    await said(call)
  }
  await said(await one.call(99, 'asking_release'))
  expect(await said(await held)).toBe('released')
})

test('[limits] a server that asks without end is refused what goes over what one call may ask at once', async () => {
  const one = await client()
  const asks = { method: 'roots/list', params: '{}', count: 150 }
  const call = await one.call(1, 'asking_ask', asks)
  const questions = await eventually(
    () => call.messages().filter(({ method }) => method === 'roots/list'),
    (found) => found.length >= 128,
  )
  for (const { id } of questions)
    await one.send(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"roots":[]}}`)
  const answers = (await said(call)).split('\n')
  expect(answers.filter((answer) => answer.includes('"roots":[]'))).toHaveLength(128)
  expect(answers.filter((answer) => answer.includes('-32603'))).toHaveLength(22)
})

test('[mcp.back-channel] [mcp.cancellation] a question that is taken back is taken back at the client too', async () => {
  const one = await client()
  const args = { method: 'elicitation/create', params: '{}', retract: 50 }
  const call = await one.call(1, 'asking_ask', args)
  const { id } = await question(call)
  expect(await said(call)).toBe('taken back')
  const cancelled = call.messages().find(({ method }) => method === 'notifications/cancelled')
  expect(cancelled?.params).toEqual({ requestId: id })
})

test('[mcp.back-channel] the end of a page is told to who was sent there, outside any call', async () => {
  const [one, two] = [await client(everything, 0), await client(everything, 1)]
  await said(await two.call(1, 'asking_asked'))
  const listening = [await one.listen(), await two.listen()]
  const call = await one.call(1, 'asking_late', { elicitationId: 'page-1' })
  expect(await call.answer()).toMatchObject({ error: { code: -32042, message: 'a page is to be visited' } })
  const told = await eventually(
    () => listening[0]?.messages().filter(({ method }) => method === 'notifications/elicitation/complete'),
    (found) => found?.length === 1,
  )
  expect(told?.[0]?.params).toEqual({ elicitationId: 'page-1' })
  expect(listening[1]?.text()).not.toContain('page-1')
})

test('[mcp.back-channel] a person may take longer than the time-outs of calls, but not for ever', async () => {
  await daemon.cli(['config', 'set', 'timeouts.call_idle', '1000'])
  await daemon.cli(['config', 'set', 'timeouts.call_total', '1500'])
  try {
    const one = await client()
    let calls = 0
    const ask = () => one.call(++calls, 'asking_ask', { method: 'elicitation/create', params: '{}' })
    const first = (call: OpenCall) =>
      eventually(
        () => call.messages()[0],
        (message) => message !== undefined,
      )
    // On a busy machine a call may be late before it asks; then it is made again.
    let call = await ask()
    while ((await first(call))?.method === undefined) call = await ask()
    const { id } = await question(call)
    // Nor does the server stop meanwhile.
    await daemon.cli(['config', 'set', 'timeouts.in_use', '500'])
    await daemon.cli(['config', 'set', 'timeouts.idle_stop', '500'])
    // Both time-outs, and two turns of what looks for late calls.
    await Bun.sleep(4000)
    await one.send(`{"jsonrpc":"2.0","id":${id},"result":{"action":"accept"}}`)
    expect(await said(call)).toContain('"action":"accept"')
    for (const key of ['call_idle', 'call_total', 'in_use', 'idle_stop'])
      await daemon.cli(['config', 'reset', `timeouts.${key}`])
    await daemon.cli(['config', 'set', 'timeouts.answer', '200'])
    const forgotten = await ask()
    expect(await said(forgotten)).toContain('timeouts.answer')
    expect(forgotten.messages().map(({ method }) => method)).toContain('notifications/cancelled')
  } finally {
    const keys = ['call_idle', 'call_total', 'answer', 'in_use', 'idle_stop'].map(
      (name) => `timeouts.${name}`,
    )
    for (const key of keys) await daemon.cli(['config', 'reset', key])
  }
})

test('[mcp.back-channel] [mcp.progress] what a client says of how far it is reaches the server that asked, with its own token', async () => {
  const one = await client()
  const stranger = await client()
  const told = async () => said(await one.call(900, 'asking_progressed'))
  const meta = '{"k":1.50,"progressToken":"tok\\u0031"}'
  const call = await one.call(1, 'asking_ask', { method: 'elicitation/create', params: `{"_meta":${meta}}` })
  const asked = await question(call)
  expect(asked.params?._meta).toEqual({ k: 1.5, progressToken: asked.id })
  const step = (token: unknown, progress: number) =>
    `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":${progress},"progressToken":${JSON.stringify(token)},"x":1.0}}`
  // Of another session, and of what nobody asked.
  for (const [from, token] of [
    [stranger, asked.id],
    [one, asked.id + 1],
    [one, 'tok1'],
  ] as const)
    expect(await from.send(step(token, 0))).toBe(202)
  expect(await one.send(step(asked.id, 1))).toBe(202)
  expect(await eventually(told, (lines) => lines !== '')).toBe(
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1,"progressToken":"tok\\u0031","x":1.0}}',
  )
  await one.send(`{"jsonrpc":"2.0","id":${asked.id},"result":{"action":"accept"}}`)
  await said(call)
  await one.send(step(asked.id, 2))
  expect((await told()).split('\n')).toHaveLength(1)
})
