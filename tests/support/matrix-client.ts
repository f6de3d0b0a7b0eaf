// The unmodified SDK clients of both lines and eras behind one interface, for assertions that all of them share. What
// a client would normalise or hide is in `wire`, as its transport handed it over.
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { ClientKind } from './matrix-cells'

export interface Message {
  id?: string | number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: unknown }
}

export interface CallOptions {
  onprogress?: (step: { progress: number }) => void
  signal?: AbortSignal
  /** Asks for log messages with this one call, where that is how it is done. */
  logged?: boolean
}

export interface CallAnswer {
  content: { type: string; text?: string }[]
  isError?: boolean
  structuredContent?: unknown
}

export interface MatrixClient extends AsyncDisposable {
  era: 'legacy' | 'modern'
  version: string
  serverCapabilities: Record<string, unknown>
  instructions: string | undefined
  /** All that came, in order. */
  wire: Message[]
  /** What this client was asked, in whichever way. */
  asked: { method: string; params: Record<string, unknown> }[]
  tools(): Promise<{ name: string; inputSchema: unknown }[]>
  prompts(): Promise<string[]>
  resources(): Promise<string[]>
  templates(): Promise<string[]>
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<CallAnswer>
  prompt(name: string, args?: Record<string, string>): Promise<{ messages: { content: unknown }[] }>
  read(uri: string): Promise<{ contents: { uri: string; text?: string; blob?: string }[] }>
  complete(prompt: string, name: string, value: string): Promise<string[]>
  /** From now on changes of the lists and of this resource are told. */
  watch(uri: string): Promise<void>
  wantLogs(): Promise<void>
}

const info = { name: 'matrix', version: '1.0.0' }
export const capabilities = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
}

const sampled = {
  role: 'assistant' as const,
  model: 'a-model',
  content: { type: 'text' as const, text: 'Paris' },
}
const roots = [{ uri: 'file:///matrix', name: 'Matrix' }]
const filledIn = {
  username: 'ada',
  email: 'ada@example.com',
  name: 'Ada',
  color: 'blue',
  context: 'tests',
  ok: true,
}

/** What a person would answer: every field the form asks for, or a visit to the page. */
function elicited(params: Record<string, unknown>) {
  const properties = (params.requestedSchema as { properties?: object } | undefined)?.properties
  if (!properties) return { action: 'accept' as const }
  const content = Object.entries(filledIn).filter(([name]) => name in properties)
  return { action: 'accept' as const, content: Object.fromEntries(content) }
}

/** Has a transport keep what it hands to its client. */
function keep(transport: { onmessage?: unknown }, wire: Message[]): void {
  const inner = transport.onmessage as (message: object, extra?: object) => void
  transport.onmessage = (message: Message, extra?: object) => {
    wire.push(message)
    inner(message, extra)
  }
}

function surface(client: ClientV1 | ClientV2, wire: Message[], asked: MatrixClient['asked']) {
  return {
    wire,
    asked,
    serverCapabilities: { ...client.getServerCapabilities() },
    instructions: client.getInstructions(),
    templates: async () =>
      (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    prompt: (name: string, args?: Record<string, string>) => client.getPrompt({ name, arguments: args }),
    complete: async (name: string, argument: string, value: string) => {
      const ref = { type: 'ref/prompt' as const, name }
      return (await client.complete({ ref, argument: { name: argument, value } })).completion.values
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

const requestInit = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } })

async function connectV1(url: string, key: string): Promise<MatrixClient> {
  const client = new ClientV1(info, { capabilities })
  const asked: MatrixClient['asked'] = []
  client.setRequestHandler(CreateMessageRequestSchema, ({ method, params }) => {
    asked.push({ method, params })
    return sampled
  })
  client.setRequestHandler(ElicitRequestSchema, ({ method, params }) => {
    asked.push({ method, params })
    return elicited(params)
  })
  client.setRequestHandler(ListRootsRequestSchema, ({ method, params }) => {
    asked.push({ method, params: { ...params } })
    return { roots }
  })
  const transport = new HttpV1(new URL(url), { requestInit: requestInit(key) })
  await client.connect(transport)
  const wire: Message[] = []
  keep(transport, wire)
  return {
    ...surface(client, wire, asked),
    era: 'legacy',
    version: transport.protocolVersion ?? '',
    tools: async () => (await client.listTools()).tools,
    prompts: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => await client.readResource({ uri }),
    call: async (name, args = {}, { onprogress, signal } = {}) =>
      (await client.callTool({ name, arguments: args }, undefined, { onprogress, signal })) as CallAnswer,
    watch: async (uri) => void (await client.subscribeResource({ uri })),
    wantLogs: async () => void (await client.setLoggingLevel('debug')),
  }
}

async function connectV2(url: string, key: string, era: 'legacy' | 'modern'): Promise<MatrixClient> {
  const mode = era === 'modern' ? { pin: '2026-07-28' } : ('legacy' as const)
  const client = new ClientV2(info, { capabilities, versionNegotiation: { mode } })
  const asked: MatrixClient['asked'] = []
  client.setRequestHandler('sampling/createMessage', ({ method, params }) => {
    asked.push({ method, params })
    return sampled
  })
  client.setRequestHandler('elicitation/create', ({ method, params }) => {
    asked.push({ method, params })
    return elicited(params)
  })
  client.setRequestHandler('roots/list', ({ method, params }) => {
    asked.push({ method, params: { ...params } })
    return { roots }
  })
  const transport = new HttpV2(new URL(url), { requestInit: requestInit(key) })
  await client.connect(transport)
  const wire: Message[] = []
  keep(transport, wire)
  const refresh = { cacheMode: 'refresh' as const }
  const logLevel = { 'io.modelcontextprotocol/logLevel': 'debug' }
  return {
    ...surface(client, wire, asked),
    era,
    version: client.getNegotiatedProtocolVersion() ?? '',
    tools: async () => (await client.listTools(undefined, refresh)).tools,
    prompts: async () => (await client.listPrompts(undefined, refresh)).prompts.map(({ name }) => name),
    resources: async () => (await client.listResources(undefined, refresh)).resources.map(({ uri }) => uri),
    read: async (uri) => await client.readResource({ uri }, refresh),
    call: async (name, args = {}, { onprogress, signal, logged } = {}) => {
      const meta = logged && era === 'modern' ? { _meta: logLevel } : {}
      return (await client.callTool({ name, arguments: args, ...meta }, { onprogress, signal })) as CallAnswer
    },
    async watch(uri) {
      if (era === 'legacy') return void (await client.subscribeResource({ uri }))
      const lists = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
      await client.listen({ ...lists, resourceSubscriptions: [uri] })
    },
    wantLogs: async () => void (era === 'legacy' && (await client.setLoggingLevel('debug'))),
  }
}

export const connectMatrixClient = (kind: ClientKind, url: string, key: string): Promise<MatrixClient> =>
  kind === 'SDK v1'
    ? connectV1(url, key)
    : connectV2(url, key, kind === 'SDK v2 modern' ? 'modern' : 'legacy')
