// The conformance surface on the older line of the SDK.
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  ResultSchema,
  type ServerNotification,
  type ServerRequest,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { Answer, Question, Reach } from './conformance-parts'
import { sendingRaw } from './conformance-raw'
import { NotFound, type Surface } from './conformance-surface'

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>

const RESOURCE_NOT_FOUND = -32002

/** Runs a part of the surface; what it does not know becomes the error this line of the SDK has for it. */
async function known<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof NotFound)) throw error
    throw error.uri === undefined
      ? new McpError(ErrorCode.InvalidParams, error.message)
      : new McpError(RESOURCE_NOT_FOUND, error.message, { uri: error.uri })
  }
}

function reach(server: Server, extra: Extra, token: string | number | undefined): Reach {
  const capabilities = server.getClientCapabilities() ?? {}
  const allowed = {
    'sampling/createMessage': capabilities.sampling,
    'elicitation/create': capabilities.elicitation,
    'roots/list': capabilities.roots,
  }
  async function askOne([key, { method, params }]: [string, Question]): Promise<[string, Answer]> {
    if (!allowed[method]) throw new McpError(ErrorCode.InvalidRequest, `The client has no ${method}`)
    return [key, await extra.sendRequest({ method, params } as ServerRequest, ResultSchema)]
  }
  return {
    log: (data) =>
      extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } }),
    async progress(progress) {
      if (token === undefined) return
      const params = { progressToken: token, progress, total: 100 }
      await extra.sendNotification({ method: 'notifications/progress', params })
    },
    ask: async (questions) => Object.fromEntries(await Promise.all(Object.entries(questions).map(askOne))),
    state: undefined,
    capabilities,
    signal: extra.signal,
    closeStream: extra.closeSSEStream,
    changed: (what, uri = '') =>
      what === 'tools'
        ? server.sendToolListChanged()
        : what === 'prompts'
          ? server.sendPromptListChanged()
          : server.sendResourceUpdated({ uri }),
  }
}

/** A server with that surface, not yet connected. */
export function serverV1(surface: Surface): Server {
  const server = new Server(
    { name: 'conformance-v1', version: '1.0.0' },
    {
      instructions: 'A server to be judged.',
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
    },
  )
  server.setRequestHandler(ListToolsRequestSchema, () => surface.listTools())
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
    known(() =>
      surface
        .tool(params.name)
        .run(
          (params.arguments ?? {}) as Record<string, string>,
          reach(server, extra, params._meta?.progressToken),
        ),
    ),
  )
  server.setRequestHandler(ListPromptsRequestSchema, () => surface.listPrompts())
  server.setRequestHandler(GetPromptRequestSchema, ({ params }, extra) =>
    known(() =>
      surface
        .prompt(params.name)
        .run(params.arguments ?? {}, reach(server, extra, params._meta?.progressToken)),
    ),
  )
  server.setRequestHandler(ListResourcesRequestSchema, () => surface.listResources())
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => surface.listTemplates())
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => known(() => surface.read(params.uri)))
  server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => surface.complete(params.argument.value))
  server.setRequestHandler(SetLevelRequestSchema, () => ({}))
  return sendingRaw(server)
}
