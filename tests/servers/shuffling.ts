// What a server does that answers out of order: `echo` after a random moment, with a log and a progress message before
// it that carry the same text; `hang` not before `release`; `cancelled` tells the texts of calls that were cancelled.
export interface Message {
  id?: number
  method?: string
  params?: {
    name?: string
    arguments?: { text?: string }
    _meta?: { progressToken?: unknown }
    requestId?: number
  }
}

/** Takes one message; what is said belongs to it. */
export type Shuffler = (message: Message, say: (message: object) => void) => void

const tool = (name: string) => ({ name, description: name, inputSchema: { type: 'object' } })
const content = (text: string) => ({ content: [{ type: 'text', text }] })

const greeting = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, logging: {} },
  serverInfo: { name: 'shuffling', version: '1' },
}

export function createShuffler(): Shuffler {
  const open = new Map<number, string>()
  const hanging = new Map<number, () => void>()
  const cancelled: string[] = []

  const tools: Record<string, (text: string) => string> = {
    cancelled: () => JSON.stringify(cancelled),
    hanging: () => String(hanging.size),
    release() {
      for (const answer of hanging.values()) answer()
      hanging.clear()
      return 'released'
    },
  }

  function call(id: number, { name = '', arguments: given, _meta }: NonNullable<Message['params']>) {
    return (say: (message: object) => void) => {
      const text = given?.text ?? ''
      const act = tools[name]
      if (act) return say({ id, result: content(act(text)) })
      open.set(id, text)
      const answer = () => {
        if (!open.delete(id)) return
        say({ method: 'notifications/message', params: { level: 'info', data: text } })
        const progressToken = _meta?.progressToken
        if (progressToken !== undefined)
          say({ method: 'notifications/progress', params: { progressToken, progress: 1, message: text } })
        say({ id, result: content(text) })
      }
      if (name === 'hang') hanging.set(id, answer)
      else setTimeout(answer, Math.random() * 15)
    }
  }

  return ({ id, method, params = {} }, say) => {
    if (method === 'notifications/cancelled') {
      const { requestId = -1 } = params
      cancelled.push(open.get(requestId) ?? 'unknown')
      open.delete(requestId)
      hanging.delete(requestId)
    }
    if (id === undefined) return
    if (method === 'tools/call') return call(id, params)(say)
    if (method === 'initialize') return say({ id, result: greeting })
    if (method === 'logging/setLevel') return say({ id, result: {} })
    if (method === 'tools/list')
      return say({ id, result: { tools: ['echo', 'hang', ...Object.keys(tools)].map(tool) } })
    say({ id, error: { code: -32601, message: 'method not found' } })
  }
}
