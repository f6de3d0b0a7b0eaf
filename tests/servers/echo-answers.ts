// What the echo servers answer: one tool `echo`, and as many others beside it as wanted. No SDK.

interface Message {
  id?: number | string
  method?: string
  params?: { protocolVersion?: string; arguments?: { message?: string } }
}

export interface Tool {
  name: string
  description: string
  inputSchema: object
}

const echo: Tool = {
  name: 'echo',
  description: 'Says it back',
  inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
}

/** `count` tools, the first of them `echo`. */
export const manyTools = (count: number): Tool[] =>
  Array.from({ length: count }, (_, index) => (index === 0 ? echo : ballast(index)))

const ballast = (index: number): Tool => ({
  name: `tool_${index}`,
  description: `Does thing number ${index}, as a tool of a real server would say in a sentence or two.`,
  inputSchema: {
    type: 'object',
    properties: { path: { type: 'string', description: 'Where' }, limit: { type: 'number' } },
    required: ['path'],
  },
})

/** The response to one message as JSON; null for notifications. */
export function echoAnswer(line: string, tools: readonly Tool[]): string | null {
  const { id, method, params } = JSON.parse(line) as Message
  if (id === undefined || method === undefined) return null
  const reply = (body: object) => JSON.stringify({ jsonrpc: '2.0', id, ...body })
  switch (method) {
    case 'tools/call':
      return reply({ result: { content: [{ type: 'text', text: params?.arguments?.message ?? '' }] } })
    case 'tools/list':
      return reply({ result: { tools } })
    case 'initialize':
      return reply({
        result: {
          protocolVersion: params?.protocolVersion ?? '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'echo', version: '1.0.0' },
        },
      })
    case 'ping':
      return reply({ result: {} })
    default:
      return reply({ error: { code: -32601, message: 'method not found' } })
  }
}
