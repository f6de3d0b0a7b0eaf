// Answers of a server whose only tool, `given`, says what the server was given.

/** The answer to one message, as text; null for a notification. `given` is made into JSON. */
export function givenAnswer(message: string, given: unknown): string | null {
  const { id, method } = JSON.parse(message) as { id?: number; method?: string }
  if (id === undefined) return null
  const reply = (body: object) => JSON.stringify({ jsonrpc: '2.0', id, ...body })
  switch (method) {
    case 'initialize':
      return reply({
        result: {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'given', version: '1' },
        },
      })
    case 'tools/list':
      return reply({ result: { tools: [{ name: 'given', inputSchema: { type: 'object' } }] } })
    case 'tools/call':
      return reply({ result: { content: [{ type: 'text', text: JSON.stringify(given) }] } })
    default:
      return reply({ error: { code: -32601, message: 'method not found' } })
  }
}
