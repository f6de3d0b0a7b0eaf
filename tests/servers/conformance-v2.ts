// The conformance surface on the newer line of the SDK, for both eras.
import {
  CLIENT_CAPABILITIES_META_KEY,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  type Server,
  type ServerContext,
  type ServerNotifier,
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
} from '@modelcontextprotocol/server'
import type { Answer, Question, Reach, State } from './conformance-parts'
import { sendingRaw } from './conformance-raw'
import { NotFound, type Surface } from './conformance-surface'

/** A tool that asks leaves its first run by this, and is run again with the answers. */
class Round extends Error {
  readonly questions: Record<string, Question>
  readonly state: State | undefined
  constructor(questions: Record<string, Question>, state: State | undefined) {
    super('another round')
    this.questions = questions
    this.state = state
  }
}

const codec = createRequestStateCodec<State>({ key: crypto.getRandomValues(new Uint8Array(32)) })
const day = { ttlMs: 86_400_000, cacheScope: 'public' as const }

type InputRequests = NonNullable<Parameters<typeof inputRequired>[0]['inputRequests']>

/** Runs a part of the surface: what it does not know becomes an error, what it has to ask becomes a round. */
async function inRounds<T>(run: () => T | Promise<T>) {
  try {
    return await run()
  } catch (error) {
    if (error instanceof Round) {
      const requestState = error.state && (await codec.mint(error.state))
      return inputRequired({ inputRequests: error.questions as InputRequests, requestState })
    }
    if (!(error instanceof NotFound)) throw error
    if (error.uri !== undefined) throw new ResourceNotFoundError(error.uri)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, error.message)
  }
}

function reach(server: Server, context: ServerContext, notifier: ServerNotifier | undefined): Reach {
  const { mcpReq, http } = context
  const envelope: Record<string, unknown> = mcpReq.envelope ?? {}
  const token = mcpReq._meta?.progressToken
  const answers = (mcpReq.inputResponses ?? {}) as Record<string, Answer>
  return {
    log: (data) => mcpReq.log('info', data),
    async progress(progress) {
      if (token === undefined) return
      const params = { progressToken: token, progress, total: 100 }
      await mcpReq.notify({ method: 'notifications/progress', params })
    },
    async ask(questions, state) {
      if (Object.keys(questions).some((key) => !(key in answers))) throw new Round(questions, state)
      return answers
    },
    state: mcpReq.requestState<State>(),
    capabilities:
      (envelope[CLIENT_CAPABILITIES_META_KEY] as Reach['capabilities'] | undefined) ??
      server.getClientCapabilities() ??
      {},
    signal: mcpReq.signal,
    closeStream: http?.closeSSE,
    async changed(what, uri = '') {
      if (what === 'tools') await (notifier ? notifier.toolsChanged() : server.sendToolListChanged())
      else if (what === 'prompts')
        await (notifier ? notifier.promptsChanged() : server.sendPromptListChanged())
      else await (notifier ? notifier.resourceUpdated(uri) : server.sendResourceUpdated({ uri }))
    },
  }
}

/** A server with that surface, not yet connected. Where a connection is one request, `notifier` tells of changes. */
export function serverV2(surface: Surface, notifier?: ServerNotifier): McpServer {
  const mcp = new McpServer(
    { name: 'conformance-v2', version: '1.0.0' },
    {
      instructions: 'A server to be judged.',
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
      cacheHints: { 'tools/list': day, 'prompts/list': day, 'resources/list': day, 'server/discover': day },
      requestState: { verify: codec.verify },
    },
  )
  const { server } = mcp
  // Registered for its schema alone, against which the handler of HTTP holds the headers; the calls come in below.
  for (const [name, { description, inputSchema }] of Object.entries(surface.tools()))
    mcp.registerTool(name, { description, inputSchema: fromJsonSchema(inputSchema) }, () => ({ content: [] }))
  const reached = (context: ServerContext) => reach(server, context, notifier)
  server.setRequestHandler('tools/list', () => surface.listTools())
  server.setRequestHandler('tools/call', ({ params }, context) =>
    inRounds(() =>
      surface.tool(params.name).run((params.arguments ?? {}) as Record<string, string>, reached(context)),
    ),
  )
  server.setRequestHandler('prompts/list', () => surface.listPrompts())
  server.setRequestHandler('prompts/get', ({ params }, context) =>
    inRounds(() => surface.prompt(params.name).run(params.arguments ?? {}, reached(context))),
  )
  server.setRequestHandler('resources/list', () => surface.listResources())
  server.setRequestHandler('resources/templates/list', () => surface.listTemplates())
  server.setRequestHandler('resources/read', ({ params }) => inRounds(() => surface.read(params.uri)))
  server.setRequestHandler('resources/subscribe', () => ({}))
  server.setRequestHandler('resources/unsubscribe', () => ({}))
  server.setRequestHandler('completion/complete', ({ params }) => surface.complete(params.argument.value))
  sendingRaw(server)
  return mcp
}
