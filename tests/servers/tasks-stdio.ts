// A stdio server with tasks, written without an SDK. Its ids count from one, so that two of these have equal ids, and it
// takes all its callers for one. `make` {word}: a task whose result says the word. The first argument is the dialect:
// `legacy` (MCP 2025-11-25) or `modern` (the extension of 2026-07-28); `broken` refuses to list.
export {}
const [, , dialect = 'legacy', fault] = process.argv
const related = 'io.modelcontextprotocol/related-task'
const words = new Map<string, string>()

interface Message {
  id?: number | string
  method?: string
  params?: {
    name?: string
    uri?: string
    arguments?: { word?: string }
    task?: object
    taskId?: string
    cursor?: string
    _meta?: object
  }
}

const write = (message: object) =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const state = (taskId: string, status = 'working') => ({
  taskId,
  status,
  createdAt: '2026-01-01T00:00:00Z',
  lastUpdatedAt: '2026-01-01T00:00:00Z',
  ttl: 60_000,
})
const ui = { uri: 'ui://panel', name: 'panel', mimeType: 'text/html;profile=mcp-app' }
const legacyTasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
const extensions = {
  ...(dialect === 'modern' ? { 'io.modelcontextprotocol/tasks': {} } : {}),
  'io.modelcontextprotocol/ui': { mimeTypes: [ui.mimeType] },
}
const capabilities = {
  tools: {},
  resources: {},
  extensions,
  ...(dialect === 'legacy' ? { tasks: legacyTasks } : {}),
}
const make = {
  name: 'make',
  inputSchema: { type: 'object' },
  execution: { taskSupport: 'optional' },
  _meta: { ui: { resourceUri: ui.uri }, 'ui/resourceUri': ui.uri },
}

function answer({ method, params = {} }: Message): object {
  const { taskId = '' } = params
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities,
        serverInfo: { name: 'tasks', version: '1' },
      }
    case 'server/discover':
      return { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities, ttlMs: 0 }
    case 'tools/list':
      return { tools: [make] }
    case 'resources/list':
      return { resources: [ui] }
    case 'resources/read':
      return { contents: [{ uri: params.uri, mimeType: ui.mimeType, text: process.pid.toString() }] }
    case 'tools/call': {
      const made = `t-${words.size + 1}`
      words.set(made, params.arguments?.word ?? '')
      return dialect === 'modern'
        ? { resultType: 'task', ...state(made) }
        : { task: state(made), vendor: made }
    }
    case 'tasks/list': {
      const all = [...words.keys()].map((id) => state(id))
      const at = Number(params.cursor ?? 0)
      return { tasks: all.slice(at, at + 1), ...(at + 1 < all.length ? { nextCursor: String(at + 1) } : {}) }
    }
    case 'tasks/result':
      return { content: [{ type: 'text', text: words.get(taskId) }], _meta: { [related]: { taskId } } }
    case 'tasks/update':
      return { got: taskId }
    default:
      return { ...state(taskId), word: words.get(taskId), got: params._meta }
  }
}

let rest = ''
for await (const chunk of Bun.stdin.stream()) {
  const lines = (rest + new TextDecoder().decode(chunk)).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const message = JSON.parse(line) as Message
    const { id, method = '' } = message
    if (id === undefined) continue
    const unknown =
      (fault === 'broken' && method === 'tasks/list') ||
      method === (dialect === 'modern' ? 'initialize' : 'server/discover')
    if (unknown) {
      write({ id, error: { code: -32601, message: 'no such method' } })
      continue
    }
    const result = answer(message)
    write({ id, result })
    const made = method === 'tools/call' ? `t-${words.size}` : null
    if (made && dialect === 'legacy')
      write({ method: 'notifications/tasks/status', params: state(made, 'completed') })
  }
}
