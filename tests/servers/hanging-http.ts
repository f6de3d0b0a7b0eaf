// A Streamable HTTP server that answers everything at once but tools/call, which it never answers.
//   hanging-http.ts → prints its port
let hanging = 0
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    // How many calls hang, for the test.
    if (request.method === 'GET' && !request.headers.get('accept')?.includes('event-stream')) {
      return new Response(String(hanging))
    }
    if (request.method !== 'POST') return new Response(null, { status: 405 })
    const { id, method } = (await request.json()) as { id?: number; method: string }
    if (id === undefined) return new Response(null, { status: 202 })
    const answer = (result: object) => Response.json({ jsonrpc: '2.0', id, result })
    if (method === 'initialize')
      return answer({
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'hanging', version: '1' },
      })
    if (method === 'tools/list') return answer({ tools: [{ name: 'hang', inputSchema: { type: 'object' } }] })
    if (method !== 'tools/call')
      return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'method not found' } })
    hanging++
    return new Promise<Response>(() => undefined)
  },
})
process.stdout.write(`${server.port}\n`)
