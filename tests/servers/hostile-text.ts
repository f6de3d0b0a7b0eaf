// A server whose every word tries to steer the terminal it may be shown on. With the argument "refuse" it refuses
// everything, in such words.
export {}

const refuses = process.argv[2] === 'refuse'
const decoder = new TextDecoder()
let rest = ''

function answer(line: string): string | null {
  const { id, method = '' } = JSON.parse(line) as { id?: number; method?: string }
  if (id === undefined) return null
  const words = `\u001b[2J\u009b31m\u202e${method}\u007f`
  const reply = (body: object) => JSON.stringify({ jsonrpc: '2.0', id, ...body })
  const error = { code: -32000, message: words }
  if (refuses) return reply({ error })
  switch (method) {
    case 'initialize':
      return reply({
        result: {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: words, version: words },
          instructions: words,
        },
      })
    case 'tools/list': {
      const tool = { name: 'speak', title: words, description: words, inputSchema: { type: 'object' } }
      return reply({ result: { tools: [tool] } })
    }
    case 'tools/call':
      return reply({ result: { content: [{ type: 'text', text: words }] } })
    default:
      return reply({ error })
  }
}

for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true })
  const lines = rest.split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const reply = answer(line)
    if (reply !== null) process.stdout.write(`${reply}\n`)
  }
}
