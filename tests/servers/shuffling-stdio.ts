// A server that answers out of order: `echo` after a random moment, with a progress message before it that carries
// the same text; `hang` never; `cancelled` tells the texts of calls that were cancelled.
interface Message {
  id?: number
  method?: string
  params?: {
    name?: string
    arguments?: { text?: string }
    _meta?: { progressToken?: unknown }
    requestId?: number
  }
}

const decoder = new TextDecoder()
const open = new Map<number, string>()
const cancelled: string[] = []
let rest = ''

const say = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const tool = (name: string) => ({ name, description: name, inputSchema: { type: 'object' } })
const content = (text: string) => ({ content: [{ type: 'text', text }] })

function take({ id, method, params }: Message) {
  if (method === 'notifications/cancelled') {
    cancelled.push(open.get(params?.requestId ?? -1) ?? 'unknown')
    open.delete(params?.requestId ?? -1)
  }
  if (id === undefined) return
  if (method === 'initialize')
    return say({
      id,
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'shuffling', version: '1' },
      },
    })
  if (method === 'tools/list') return say({ id, result: { tools: ['echo', 'hang', 'cancelled'].map(tool) } })
  if (method !== 'tools/call') return say({ id, error: { code: -32601, message: 'method not found' } })
  const text = params?.arguments?.text ?? ''
  if (params?.name === 'cancelled') return say({ id, result: content(JSON.stringify(cancelled)) })
  open.set(id, text)
  if (params?.name !== 'echo') return
  const progressToken = params._meta?.progressToken
  setTimeout(() => {
    if (!open.delete(id)) return
    if (progressToken !== undefined)
      say({ method: 'notifications/progress', params: { progressToken, progress: 1, message: text } })
    say({ id, result: content(text) })
  }, Math.random() * 15)
}

for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true })
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const line = rest.slice(0, end)
    rest = rest.slice(end + 1)
    take(JSON.parse(line) as Message)
  }
}

export {}
