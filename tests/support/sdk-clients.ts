// Unmodified SDK clients, as the field runs them, behind one small interface for shared assertions.
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

export interface Progress {
  progress: number
  total?: number
}

export interface SdkClient extends AsyncDisposable {
  tools(): Promise<{ name: string }[]>
  prompts(): Promise<{ name: string }[]>
  resources(): Promise<{ uri: string }[]>
  templates(): Promise<{ uriTemplate: string }[]>
  call(name: string, args?: Record<string, unknown>, onProgress?: (p: Progress) => void): Promise<CallAnswer>
  prompt(name: string, args?: Record<string, string>): Promise<{ messages: unknown[] }>
  read(uri: string): Promise<{ contents: { uri: string }[] }>
  complete(
    prompt: string,
    argument: { name: string; value: string },
  ): Promise<{ completion: { values: string[] } }>
  subscribe(uri: string): Promise<void>
  setLevel(level: 'debug' | 'error'): Promise<void>
  ping(): Promise<void>
  instructions(): string | undefined
}

export interface CallAnswer {
  content: { type: string; text?: string }[]
  isError?: boolean
  structuredContent?: unknown
}

const info = { name: 'interop', version: '1.0.0' }

const surface = (client: ClientV1 | ClientV2, call: SdkClient['call']): SdkClient => ({
  call,
  tools: async () => (await client.listTools()).tools,
  prompts: async () => (await client.listPrompts()).prompts,
  resources: async () => (await client.listResources()).resources,
  templates: async () => (await client.listResourceTemplates()).resourceTemplates,
  prompt: (name, args) => client.getPrompt({ name, arguments: args }),
  read: (uri) => client.readResource({ uri }),
  complete: (name, argument) => client.complete({ ref: { type: 'ref/prompt', name }, argument }),
  subscribe: async (uri) => void (await client.subscribeResource({ uri })),
  setLevel: async (level) => void (await client.setLoggingLevel(level)),
  ping: async () => void (await client.ping()),
  instructions: () => client.getInstructions(),
  [Symbol.asyncDispose]: () => client.close(),
})

const requestInit = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } })

async function connectV1(url: string, key: string): Promise<SdkClient> {
  const client = new ClientV1(info)
  await client.connect(new HttpV1(new URL(url), { requestInit: requestInit(key) }))
  return surface(
    client,
    async (name, args = {}, onprogress) =>
      (await client.callTool({ name, arguments: args }, undefined, { onprogress })) as CallAnswer,
  )
}

async function connectV2(url: string, key: string): Promise<SdkClient> {
  const client = new ClientV2(info)
  await client.connect(new HttpV2(new URL(url), { requestInit: requestInit(key) }))
  return surface(
    client,
    async (name, args = {}, onprogress) =>
      (await client.callTool({ name, arguments: args }, { onprogress })) as CallAnswer,
  )
}

export const sdkClients = { 'SDK v1': connectV1, 'SDK v2': connectV2 } as const
