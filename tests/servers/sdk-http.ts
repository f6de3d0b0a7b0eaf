// Servers built with the unmodified SDKs, both lines, over Streamable HTTP; the older line also over legacy SSE.
import { createServer } from 'node:http'
import {
  Server as ServerV2,
  WebStandardStreamableHTTPServerTransport as TransportV2,
} from '@modelcontextprotocol/server'
import { Server as ServerV1 } from '@modelcontextprotocol/sdk/server/index.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { WebStandardStreamableHTTPServerTransport as TransportV1 } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'

export interface SdkServer extends AsyncDisposable {
  url: string
  /** Forgets every session, as a restart does. */
  forgetSessions(): void
  /** Tells every session that the tools have changed. */
  toolsChanged(): Promise<void>
  sessions(): number
}

const info = { name: 'sdk', version: '1.0.0' }
const capabilities = { tools: { listChanged: true } }
const inputSchema = { type: 'object' as const }
const tools = ['greet', 'steps', 'poll'].map((name) => ({ name, inputSchema }))
const result = (text: string) => ({ content: [{ type: 'text' as const, text }] })

/** `steps` sends three progress notifications first; `poll` has its stream closed and answers afterwards. */
async function run(name: string, step: (n: number) => Promise<void>, closeStream: (() => void) | undefined) {
  if (name === 'steps') for (const n of [1, 2, 3]) await step(n)
  if (name === 'poll') {
    closeStream?.()
    await Bun.sleep(50)
  }
  return result(`${name} done`)
}

function serverV1(): ServerV1 {
  const server = new ServerV1(info, { capabilities })
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }))
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
    run(
      params.name,
      (progress) =>
        extra.sendNotification({
          method: 'notifications/progress',
          params: { progressToken: params._meta?.progressToken ?? 0, progress },
        }),
      extra.closeSSEStream,
    ),
  )
  return server
}

function serverV2(): ServerV2 {
  const server = new ServerV2(info, { capabilities })
  server.setRequestHandler('tools/list', () => ({ tools }))
  server.setRequestHandler('tools/call', ({ params }, context) =>
    run(
      params.name,
      (progress) =>
        context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: params._meta?.progressToken ?? 0, progress },
        }),
      context.http?.closeSSE,
    ),
  )
  return server
}

/** Keeps all events of all streams, so that a stream can be taken up again. */
function eventStore() {
  const events: { stream: string; message: unknown }[] = []
  return {
    storeEvent(stream: string, message: unknown) {
      events.push({ stream, message })
      return Promise.resolve(String(events.length))
    },
    getStreamIdForEventId: (id: string) => Promise.resolve(events[Number(id) - 1]?.stream),
    async replayEventsAfter<M>(id: string, { send }: { send(id: string, message: M): Promise<void> }) {
      const stream = events[Number(id) - 1]?.stream ?? ''
      for (const [at, event] of events.entries()) {
        const isEmpty = Object.keys(event.message as object).length === 0
        if (at >= Number(id) && event.stream === stream && !isEmpty)
          await send(String(at + 1), event.message as M)
      }
      return stream
    },
  }
}

/** Streamable HTTP with sessions; answers as JSON when asked to, else as streams that can be resumed. */
export function startSdkHttp(line: 'v1' | 'v2', options: { json?: boolean } = {}): SdkServer {
  const sessions = new Map<
    string,
    { handle(request: Request): Promise<Response>; changed(): Promise<void> }
  >()

  async function open(request: Request): Promise<Response> {
    const server = line === 'v1' ? serverV1() : serverV2()
    const settings = {
      sessionIdGenerator: () => crypto.randomUUID(),
      enableJsonResponse: options.json ?? false,
      eventStore: options.json ? undefined : eventStore(),
      retryInterval: 100,
      onsessioninitialized(id: string) {
        sessions.set(id, {
          handle: (next) => transport.handleRequest(next),
          changed: () => server.notification({ method: 'notifications/tools/list_changed' }),
        })
      },
      onsessionclosed: (id: string) => void sessions.delete(id),
    }
    const transport = line === 'v1' ? new TransportV1(settings) : new TransportV2(settings)
    await (server as { connect(to: typeof transport): Promise<void> }).connect(transport)
    return transport.handleRequest(request)
  }

  const http = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const id = request.headers.get('mcp-session-id')
      const session = id === null ? undefined : sessions.get(id)
      if (session) return session.handle(request)
      return id === null ? open(request) : new Response('unknown session', { status: 404 })
    },
  })
  return {
    url: `${http.url}mcp`,
    sessions: () => sessions.size,
    forgetSessions: () => sessions.clear(),
    async toolsChanged() {
      for (const session of sessions.values()) await session.changed()
    },
    [Symbol.asyncDispose]: () => http.stop(true),
  }
}

/** The older line's HTTP+SSE transport, on Node's HTTP server as it needs it. */
export async function startSdkSse(): Promise<SdkServer> {
  const sessions = new Map<string, { transport: SSEServerTransport; server: ServerV1 }>()
  const http = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      if (request.method === 'GET' && url.pathname === '/sse') {
        const transport = new SSEServerTransport('/messages', response)
        const server = serverV1()
        sessions.set(transport.sessionId, { transport, server })
        response.on('close', () => sessions.delete(transport.sessionId))
        return server.connect(transport)
      }
      const session = sessions.get(url.searchParams.get('sessionId') ?? '')
      if (session) return session.transport.handlePostMessage(request, response)
      return void response.writeHead(404).end()
    })()
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}/sse`,
    sessions: () => sessions.size,
    forgetSessions: () => sessions.clear(),
    async toolsChanged() {
      for (const { server } of sessions.values())
        await server.notification({ method: 'notifications/tools/list_changed' })
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
