// The surface of the official conformance suite as a program:
//   conformance-server.ts stdio | http [PORT]      (http prints its URL and serves /mcp)
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { conformanceServer } from './conformance-surface'

const [transport = 'stdio', port = '0'] = process.argv.slice(2)

/** Keeps every event of one session, so that a stream that was closed can be taken up again. */
function eventStore() {
  const events: { stream: string; message: object }[] = []
  return {
    storeEvent(stream: string, message: object) {
      events.push({ stream, message })
      return Promise.resolve(String(events.length))
    },
    getStreamIdForEventId: (id: string) => Promise.resolve(events[Number(id) - 1]?.stream),
    async replayEventsAfter<M>(id: string, { send }: { send(id: string, message: M): Promise<void> }) {
      const stream = events[Number(id) - 1]?.stream ?? ''
      for (const [at, event] of events.entries()) {
        if (at < Number(id) || event.stream !== stream || Object.keys(event.message).length === 0) continue
        await send(String(at + 1), event.message as M)
      }
      return stream
    },
  }
}

async function serveHttp(): Promise<void> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const open = async (request: Request): Promise<Response> => {
    const server: Server = conformanceServer()
    const opened = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      eventStore: eventStore(),
      retryInterval: 100,
      onsessioninitialized: (id) => void sessions.set(id, opened),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    await server.connect(opened)
    return opened.handleRequest(request)
  }
  const http = Bun.serve({
    hostname: '127.0.0.1',
    port: Number(port),
    idleTimeout: 0,
    fetch(request, { port: own }) {
      const local = [`127.0.0.1:${own}`, `localhost:${own}`]
      const origin = request.headers.get('origin')
      if (!local.includes(request.headers.get('host') ?? '')) return new Response('host', { status: 403 })
      if (origin !== null && !local.some((host) => origin === `http://${host}`))
        return new Response('origin', { status: 403 })
      const id = request.headers.get('mcp-session-id')
      const session = id === null ? undefined : sessions.get(id)
      if (session) return session.handleRequest(request)
      return id === null ? open(request) : new Response('unknown session', { status: 404 })
    },
  })
  process.stdout.write(`${http.url}mcp\n`)
}

if (transport === 'http') await serveHttp()
else await conformanceServer().connect(new StdioServerTransport())
