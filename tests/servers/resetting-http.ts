// A Streamable HTTP server that breaks the connection, or forgets its session, during the call its tool is named after.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ResettingHttp extends AsyncDisposable {
  url: string
  /** How often a call of this tool arrived. */
  calls(tool: string): number
}

interface Message {
  id?: number
  method?: string
  params?: { name?: string }
}

const tools = ['reset', 'half', 'half-stream', 'error-500', 'first-404', 'always-404']

/** Ends the connection with an RST once what was written has left. */
function cut(response: ServerResponse): void {
  setTimeout(() => response.socket?.resetAndDestroy(), 50)
}

export function startResettingHttp(): ResettingHttp {
  const arrived = new Map<string, number>()
  let session = 0

  function call(tool: string, id: number, response: ServerResponse): void {
    const nth = (arrived.get(tool) ?? 0) + 1
    arrived.set(tool, nth)
    const json = { 'content-type': 'application/json' }
    const answer = `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"done"}]}}`
    if (tool === 'reset') return void response.socket?.resetAndDestroy()
    if (tool === 'error-500') return void response.writeHead(500).end()
    if (tool === 'always-404' || (tool === 'first-404' && nth === 1))
      return void response.writeHead(404).end()
    if (tool === 'half') {
      response.writeHead(200, { ...json, 'content-length': answer.length }).write(answer.slice(0, 30))
      return cut(response)
    }
    if (tool === 'half-stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${answer.slice(0, 30)}`)
      return cut(response)
    }
    response.writeHead(200, json).end(answer)
  }

  const server = createServer((request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    let body = ''
    request.on('data', (chunk) => {
      body += String(chunk)
    })
    request.on('end', () => {
      const { id, method, params } = JSON.parse(body) as Message
      if (id === undefined) return void response.writeHead(202).end()
      const reply = (result: object, headers: Record<string, string> = {}) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', ...headers })
          .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      if (method === 'initialize')
        return reply(
          {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'resetting', version: '1' },
          },
          { 'mcp-session-id': `s${++session}` },
        )
      if (method === 'tools/list')
        return reply({ tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })) })
      call(params?.name ?? '', id, response)
    })
  })
  server.listen(0, '127.0.0.1')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    calls: (tool) => arrived.get(tool) ?? 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
