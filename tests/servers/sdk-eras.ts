// A server built with SDK v2 that speaks 2026-07-28, alone or beside the older era:
//   sdk-eras.ts stdio|http both|modern [PORT]        (http prints its URL and serves /mcp)
import { createMcpHandler, inputRequired, Server, type ServerContext } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'

const [transport = 'stdio', eras = 'both', port = '0'] = process.argv.slice(2)

const text = (value: unknown) => ({
  content: [{ type: 'text' as const, text: typeof value === 'string' ? value : JSON.stringify(value) }],
})
const object = (properties: Record<string, Record<string, string>> = {}) => ({
  type: 'object' as const,
  properties,
})
const region = { type: 'string', 'x-mcp-header': 'Region' }
const tools = [
  { name: 'echo', inputSchema: object() },
  { name: 'pid', inputSchema: object() },
  { name: 'envelope', inputSchema: object() },
  { name: 'mirrored', inputSchema: object({ region }) },
  { name: 'ask', inputSchema: object() },
  { name: 'steps', inputSchema: object() },
  { name: 'log', inputSchema: object() },
  { name: 'hang', inputSchema: object() },
  { name: 'change', inputSchema: object() },
  { name: 'touch', inputSchema: object() },
]
const capabilities = {
  tools: { listChanged: true },
  prompts: {},
  resources: { subscribe: true, listChanged: true },
  logging: {},
}
let changes = 0
let hanging = 0
let cancelled = 0
let notify: { toolsChanged(): unknown; resourceUpdated(uri: string): unknown } | null = null

const name = {
  method: 'elicitation/create' as const,
  params: {
    mode: 'form' as const,
    message: 'Who?',
    requestedSchema: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
  },
}

async function call(tool: string, args: Record<string, unknown>, { mcpReq }: ServerContext) {
  switch (tool) {
    case 'pid':
      return text(String(process.pid))
    case 'envelope':
      return text(mcpReq.envelope ?? null)
    case 'mirrored':
      return text(args)
    case 'ask': {
      const given = mcpReq.inputResponses
      if (!given) return inputRequired({ inputRequests: { who: name }, requestState: 'state "1" é' })
      return text({ given, state: mcpReq.requestState() })
    }
    case 'steps':
      for (const progress of [1, 2, 3])
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: mcpReq._meta?.progressToken ?? 0, progress },
        })
      return text('done')
    case 'log':
      await mcpReq.log('warning', 'hot')
      await mcpReq.log('debug', 'cold')
      return text('logged')
    case 'hang':
      hanging++
      await new Promise((resolve) => mcpReq.signal.addEventListener('abort', resolve))
      hanging--
      cancelled++
      return text('never seen')
    case 'change':
      changes++
      await notify?.toolsChanged()
      return text('changed')
    case 'touch':
      await notify?.resourceUpdated('test://a')
      return text('touched')
    default:
      return text({ args, hanging, cancelled })
  }
}

function server(): Server {
  const made = new Server(
    { name: 'eras', version: '1.0.0' },
    { capabilities, instructions: 'Both eras.', cacheHints: {} },
  )
  made.setRequestHandler('tools/list', () => ({
    tools: changes === 0 ? tools : [...tools, { name: `changed-${changes}`, inputSchema: object() }],
  }))
  made.setRequestHandler('tools/call', ({ params }, context) =>
    call(params.name, params.arguments ?? {}, context),
  )
  made.setRequestHandler('prompts/list', () => ({ prompts: [{ name: 'hello' }] }))
  made.setRequestHandler('prompts/get', () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }],
  }))
  made.setRequestHandler('resources/list', () => ({ resources: [{ uri: 'test://a', name: 'a' }] }))
  made.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }))
  made.setRequestHandler('resources/read', ({ params }) => ({
    contents: [{ uri: params.uri, text: 'content' }],
  }))
  return made
}

if (transport === 'http') {
  const handler = createMcpHandler(server, { legacy: eras === 'both' ? 'stateless' : 'reject' })
  notify = handler.notify
  const http = Bun.serve({
    hostname: '127.0.0.1',
    port: Number(port),
    idleTimeout: 0,
    fetch: (request) => handler.fetch(request),
  })
  process.stdout.write(`${http.url}mcp\n`)
} else {
  serveStdio(
    () => {
      const made = server()
      notify = {
        toolsChanged: () => made.sendToolListChanged(),
        resourceUpdated: (uri) => made.sendResourceUpdated({ uri }),
      }
      return made
    },
    { legacy: eras === 'both' ? 'serve' : 'reject' },
  )
}
