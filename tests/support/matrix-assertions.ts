// What must hold in every cell of the matrix, whichever clients and servers stand at its ends.
import { expect } from 'bun:test'
import { hologram } from '../servers/conformance-raw'
import { dialectSchema } from '../servers/conformance-schemas'
import { eventually } from './daemon'
import type { CallAnswer, MatrixClient, Message } from './matrix-client'

/** The alias of the server in every cell. */
export const ALIAS = 'x'
export const tool = (name: string) => `${ALIAS}_${name}`
const WATCHED = 'test://watched-resource'

const spoken = (answer: CallAnswer) => answer.content.map(({ text }) => text).join('\n')
const notified = (client: MatrixClient, method: string) =>
  client.wire.filter((message) => message.method === `notifications/${method}`)
const failure = (promise: Promise<unknown>): Promise<{ code: number; data?: unknown }> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: { code: number; data?: unknown }) => error,
  )
/** What answered the newest request. */
const lastAnswer = (client: MatrixClient): Message | undefined =>
  client.wire.findLast(({ method }) => method === undefined)

export async function greets(client: MatrixClient) {
  expect(client.version).toBe(client.era === 'legacy' ? '2025-11-25' : '2026-07-28')
  for (const capability of ['tools', 'prompts', 'resources', 'completions', 'logging'])
    expect(client.serverCapabilities).toHaveProperty(capability)
  expect(client.serverCapabilities).toMatchObject({
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: true },
  })
}

export async function lists(client: MatrixClient) {
  const tools = await client.tools()
  const schemaOf = (name: string) => tools.find((found) => found.name === tool(name))?.inputSchema
  expect(schemaOf('json_schema_2020_12_tool')).toEqual(dialectSchema)
  expect(schemaOf('test_x_mcp_header')).toMatchObject({
    properties: { region: { 'x-mcp-header': 'Region' } },
  })
  expect(new Set(tools.map(({ name }) => name)).size).toBe(tools.length)
}

export async function calls(client: MatrixClient) {
  expect(spoken(await client.call(tool('test_simple_text')))).toBe(
    'This is a simple text response for testing.',
  )
  const { structuredContent } = await client.call(tool('test_structured_content'))
  expect(structuredContent).toEqual({ degrees: 21.5, unknown: { deep: [1, null] } })
  await client.tools()
  expect(spoken(await client.call(tool('test_x_mcp_header'), { region: 'eu, größer' }))).toBe(
    'Region eu, größer',
  )
  const mixed = await client.call(tool('test_multiple_content_types'))
  expect(mixed.content.map(({ type }) => type)).toEqual(['text', 'image', 'resource'])
}

/** Members and kinds of content nobody knows; a client may refuse them, but they get that far. */
export async function passesTheUnknown(client: MatrixClient) {
  await client.call(tool('test_raw_content')).catch(() => undefined)
  const result = lastAnswer(client)?.result
  expect(result?.content).toEqual([{ type: 'text', text: 'before' }, hologram])
  expect(result?.unknownMember).toEqual({ kept: '✓' })
}

export async function progresses(client: MatrixClient) {
  const seen: number[] = []
  const from = client.wire.length
  await client.call(tool('test_fast_progress'), {}, { onprogress: ({ progress }) => seen.push(progress) })
  const wire = client.wire
    .slice(from)
    .filter(({ method }) => method === undefined || method === 'notifications/progress')
  expect(wire.map(({ params }) => params?.progress ?? 'answer')).toEqual([1, 2, 3, 4, 5, 'answer'])
  // The clients lose steps that come in one piece with the answer; those they have are in order.
  expect([1, 2, 3, 4, 5].slice(0, seen.length)).toEqual(seen)
}

export async function logs(client: MatrixClient) {
  await client.wantLogs()
  const from = notified(client, 'message').length
  await client.call(tool('test_tool_with_logging'), {}, { logged: true })
  const said = notified(client, 'message').slice(from)
  expect(said.map(({ params }) => params?.data)).toEqual([
    'Tool execution started',
    'Tool processing data',
    'Tool execution completed',
  ])
}

export async function cancels(client: MatrixClient) {
  const waits = async () => spoken(await client.call(tool('test_waits')))
  const before = Number(/(\d+) cancelled/.exec(await waits())?.[1])
  const gone = new AbortController()
  const waiting = failure(client.call(tool('test_wait'), {}, { signal: gone.signal }))
  await eventually(waits, (said) => said.startsWith('1 waiting'))
  gone.abort()
  await waiting
  await eventually(waits, (said) => said === `0 waiting, ${before + 1} cancelled`)
}

export async function reads(client: MatrixClient) {
  expect(await client.resources()).toEqual(['test://static-text', 'test://static-binary', WATCHED])
  expect(await client.templates()).toEqual(['test://template/{id}/data'])
  const text = await client.read('test://static-text')
  expect(text.contents[0]?.text).toBe('This is the content of the static text resource.')
  const binary = await client.read('test://static-binary')
  expect(binary.contents[0]?.blob?.length).toBeGreaterThan(50)
  const made = await client.read('test://template/123/data')
  expect(JSON.parse(made.contents[0]?.text ?? '')).toMatchObject({ id: '123' })
}

export async function followsResource(client: MatrixClient) {
  await client.watch(WATCHED)
  const from = notified(client, 'resources/updated').length
  const written = spoken(await client.call(tool('test_write_resource')))
  const news = await eventually(
    () => notified(client, 'resources/updated').slice(from),
    (found) => found.length > 0,
  )
  expect(news[0]?.params).toMatchObject({ uri: WATCHED })
  expect((await client.read(WATCHED)).contents[0]?.text).toBe(written)
}

/** Watches as well, so that a client that has to ask for the news has done so. */
export async function followsLists(client: MatrixClient) {
  await client.watch(WATCHED)
  const names = async () => (await client.tools()).map(({ name }) => name)
  const extra = tool('test_extra_tool')
  for (const isThere of [true, false]) {
    const from = notified(client, 'tools/list_changed').length
    await client.call(tool('test_trigger_tool_change'))
    await eventually(
      () => notified(client, 'tools/list_changed').length,
      (count) => count > from,
    )
    expect((await names()).includes(extra)).toBe(isThere)
  }
  for (const isThere of [true, false]) {
    const from = notified(client, 'prompts/list_changed').length
    await client.call(tool('test_trigger_prompt_change'))
    await eventually(
      () => notified(client, 'prompts/list_changed').length,
      (count) => count > from,
    )
    expect((await client.prompts()).includes(tool('test_extra_prompt'))).toBe(isThere)
  }
}

export async function prompts(client: MatrixClient) {
  expect(await client.prompts()).toContain(tool('test_prompt_with_arguments'))
  const { messages } = await client.prompt(tool('test_prompt_with_arguments'), { arg1: 'a', arg2: 'ß' })
  expect(messages[0]?.content).toEqual({ type: 'text', text: "Prompt with arguments: arg1='a', arg2='ß'" })
  const embedded = await client.prompt(tool('test_prompt_with_embedded_resource'), {
    resourceUri: 'test://z',
  })
  expect(embedded.messages[0]?.content).toMatchObject({ type: 'resource', resource: { uri: 'test://z' } })
}

export async function completes(client: MatrixClient) {
  expect(await client.complete(tool('test_prompt_with_arguments'), 'arg1', 'par')).toEqual([
    'paris',
    'park',
    'party',
  ])
}

export async function fails(client: MatrixClient) {
  expect(await client.call(tool('test_error_handling'))).toMatchObject({ isError: true })
  expect((await failure(client.call(tool('no_such_tool')))).code).toBe(-32602)
  const uri = 'test://template/nobody/data'
  const missing = await failure(client.read(uri))
  expect(lastAnswer(client)?.error).toMatchObject({
    message: expect.stringContaining('Resource not found'),
    data: { uri },
  })
  expect(missing.data).toEqual({ uri })
  expect(client.era === 'modern' ? [-32602] : [-32002, -32602]).toContain(missing.code)
}

/** What a server may ask, the tool that asks it, and what it says of the answer. */
export const questions = {
  sampling: {
    method: 'sampling/createMessage',
    async ask(client: MatrixClient) {
      expect(spoken(await client.call(tool('test_sampling'), { prompt: 'Grüße?' }))).toContain('Paris')
      expect(client.asked.at(-1)?.params).toMatchObject({
        messages: [{ role: 'user', content: { type: 'text', text: 'Grüße?' } }],
        maxTokens: 100,
      })
    },
  },
  'elicitation.form': {
    method: 'elicitation/create',
    async ask(client: MatrixClient) {
      const said = spoken(await client.call(tool('test_elicitation'), { message: 'Who?' }))
      expect(said).toContain('action=accept')
      expect(said).toContain('"email":"ada@example.com"')
      expect(client.asked.at(-1)?.params).toMatchObject({ message: 'Who?' })
    },
  },
  'elicitation.url': {
    method: 'elicitation/create',
    async ask(client: MatrixClient) {
      expect(spoken(await client.call(tool('test_elicitation_url')))).toBe('Visit: accept')
      expect(client.asked.at(-1)?.params).toMatchObject({ mode: 'url', url: 'https://example.com/in' })
    },
  },
  roots: {
    method: 'roots/list',
    async ask(client: MatrixClient) {
      expect(spoken(await client.call(tool('test_roots')))).toContain('file:///matrix')
    },
  },
} as const
export type Capability = keyof typeof questions

export async function answers(client: MatrixClient, capability: Capability) {
  const { method, ask } = questions[capability]
  const from = client.asked.length
  await ask(client)
  expect(client.asked.slice(from).map((asked) => asked.method)).toEqual([method])
}

/** Three questions at once, two rounds with a state between them, and a prompt that asks. */
export async function answersInRounds(client: MatrixClient) {
  const all = await client.call(tool('test_input_required_result_multiple_inputs'))
  for (const word of ['Paris', 'Ada', 'file:///matrix']) expect(spoken(all)).toContain(word)
  expect(spoken(await client.call(tool('test_input_required_result_multi_round')))).toBe('Ada likes blue')
  const { messages } = await client.prompt(tool('test_input_required_result_prompt'))
  expect(JSON.stringify(messages)).toContain('tests')
}
