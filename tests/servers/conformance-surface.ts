// What the official conformance suite asks a server of the eras with sessions to offer, on the older SDK line.
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  type CallToolResult,
  type GetPromptResult,
} from '@modelcontextprotocol/sdk/types.js'
import { dialectSchema, elicitations } from './conformance-schemas'

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const SILENCE = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA='
const PAUSE = 50

/** What a running tool can reach of its caller. */
interface Reach {
  log(data: string): Promise<void>
  progress(progress: number): Promise<void>
  ask: Server
  closeStream?: () => void
}

type Tool = (args: Record<string, string>, reach: Reach) => Promise<CallToolResult>

const text = (value: string) => ({ type: 'text' as const, text: value })
const image = { type: 'image' as const, data: PIXEL, mimeType: 'image/png' }
const embedded = (uri: string, mimeType: string, value: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text: value },
})
const said = async (...content: CallToolResult['content']): Promise<CallToolResult> => ({ content })

const elicit =
  (message: string, requestedSchema: (typeof elicitations)[keyof typeof elicitations]): Tool =>
  async (args, { ask }) => {
    const { action, content } = await ask.elicitInput({ message: args.message ?? message, requestedSchema })
    return said(text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`))
  }

const tools: Record<string, Tool> = {
  test_simple_text: () => said(text('This is a simple text response for testing.')),
  test_image_content: () => said(image),
  test_audio_content: () => said({ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }),
  test_embedded_resource: () =>
    said(embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')),
  test_multiple_content_types: () =>
    said(
      text('Multiple content types test:'),
      image,
      embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ),
  async test_tool_with_logging(_args, { log }) {
    await log('Tool execution started')
    await Bun.sleep(PAUSE)
    await log('Tool processing data')
    await Bun.sleep(PAUSE)
    await log('Tool execution completed')
    return said(text('Logged three messages'))
  },
  async test_tool_with_progress(_args, { progress }) {
    await progress(0)
    await Bun.sleep(PAUSE)
    await progress(50)
    await Bun.sleep(PAUSE)
    await progress(100)
    return said(text('Reported progress'))
  },
  test_error_handling: async () => ({
    isError: true,
    content: [text('This tool intentionally returns an error for testing')],
  }),
  async test_sampling({ prompt = '' }, { ask }) {
    const answer = await ask.createMessage({
      messages: [{ role: 'user', content: text(prompt) }],
      maxTokens: 100,
    })
    return said(text(`LLM response: ${JSON.stringify(answer.content)}`))
  },
  test_elicitation: elicit('Please answer', elicitations.person),
  test_elicitation_sep1034_defaults: elicit('Please review', elicitations.defaults),
  test_elicitation_sep1330_enums: elicit('Please choose', elicitations.enums),
  json_schema_2020_12_tool: () => said(text('ok')),
  async test_reconnection(_args, { closeStream }) {
    closeStream?.()
    await Bun.sleep(2 * PAUSE)
    return said(text('Answered after the stream was closed'))
  },
}

const user = (content: GetPromptResult['messages'][number]['content']) => ({ role: 'user' as const, content })
const prompts: Record<string, (args: Record<string, string>) => ReturnType<typeof user>[]> = {
  test_simple_prompt: () => [user(text('This is a simple prompt for testing.'))],
  test_prompt_with_arguments: ({ arg1, arg2 }) => [
    user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  ],
  test_prompt_with_embedded_resource: ({ resourceUri = '' }) => [
    user(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
    user(text('Please process the embedded resource above.')),
  ],
  test_prompt_with_image: () => [user(image), user(text('Please analyze the image above.'))],
}
const promptArguments: Record<string, string[]> = {
  test_prompt_with_arguments: ['arg1', 'arg2'],
  test_prompt_with_embedded_resource: ['resourceUri'],
}

function contents(uri: string): { uri: string; mimeType: string; text: string } | object {
  if (uri === 'test://static-text')
    return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }
  if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: PIXEL }
  if (uri === 'test://watched-resource') return { uri, mimeType: 'text/plain', text: 'Watched' }
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1]
  const data = { id, templateTest: true, data: `Data for ID: ${id}` }
  if (id !== undefined) return { uri, mimeType: 'application/json', text: JSON.stringify(data) }
  throw Object.assign(new Error('Resource not found'), { code: -32002, data: { uri } })
}

const uris = ['test://static-text', 'test://static-binary', 'test://watched-resource']

/** A server with that surface, not yet connected. */
export function conformanceServer(): Server {
  const server = new Server(
    { name: 'conformance', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
    },
  )
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.keys(tools).map((name) => ({
      name,
      description: `The tool ${name}`,
      inputSchema: name === 'json_schema_2020_12_tool' ? dialectSchema : { type: 'object' as const },
    })),
  }))
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => {
    const tool = tools[params.name]
    if (!tool) throw Object.assign(new Error('Unknown tool'), { code: -32602 })
    const token = params._meta?.progressToken
    return tool((params.arguments ?? {}) as Record<string, string>, {
      log: (data) =>
        extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } }),
      progress: async (progress) => {
        if (token === undefined) return
        const step = { progressToken: token, progress, total: 100 }
        await extra.sendNotification({ method: 'notifications/progress', params: step })
      },
      ask: server,
      closeStream: extra.closeSSEStream,
    })
  })
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: uris.map((uri) => ({ uri, name: uri.slice(7) })),
  }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
    resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template' }],
  }))
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({ contents: [contents(params.uri)] }))
  server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: Object.keys(prompts).map((name) => ({
      name,
      description: `The prompt ${name}`,
      arguments: (promptArguments[name] ?? []).map((argument) => ({ name: argument, required: true })),
    })),
  }))
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => {
    const prompt = prompts[params.name]
    if (!prompt) throw Object.assign(new Error('Unknown prompt'), { code: -32602 })
    return { messages: prompt(params.arguments ?? {}) }
  })
  server.setRequestHandler(CompleteRequestSchema, () => ({ completion: { values: ['paris', 'park'] } }))
  server.setRequestHandler(SetLevelRequestSchema, () => ({}))
  return server
}
