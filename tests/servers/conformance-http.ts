// The conformance surface over HTTP: with sessions, without, both at one address, and the older HTTP+SSE.
import { createServer } from 'node:http'
import {
  WebStandardStreamableHTTPServerTransport as TransportV2,
  createMcpHandler,
  isLegacyRequest,
} from '@modelcontextprotocol/server'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { WebStandardStreamableHTTPServerTransport as TransportV1 } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { type Surface } from './conformance-surface'
import { serverV1 } from './conformance-v1'
import { serverV2 } from './conformance-v2'

type Handler = (request: Request) => Promise<Response>

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

/** The eras with sessions. */
function withSessions(sdk: 'v1' | 'v2', surface: Surface): Handler {
  const sessions = new Map<string, TransportV1 | TransportV2>()
  async function open(request: Request): Promise<Response> {
    const settings = {
      sessionIdGenerator: () => crypto.randomUUID(),
      eventStore: eventStore(),
      retryInterval: 100,
      onsessioninitialized: (id: string) => void sessions.set(id, opened),
      onsessionclosed: (id: string) => void sessions.delete(id),
    }
    const opened = sdk === 'v1' ? new TransportV1(settings) : new TransportV2(settings)
    if (opened instanceof TransportV1) await serverV1(surface).connect(opened)
    else await serverV2(surface).connect(opened)
    return opened.handleRequest(request)
  }
  return async (request) => {
    const id = request.headers.get('mcp-session-id')
    const session = id === null ? undefined : sessions.get(id)
    if (session) return session.handleRequest(request)
    return id === null ? open(request) : new Response('unknown session', { status: 404 })
  }
}

/** The era without sessions; every request has a server of its own. */
function withoutSessions(surface: Surface): Handler {
  const handler = createMcpHandler(() => serverV2(surface, handler.notify), { legacy: 'reject' })
  return handler.fetch
}

export type Era = 'legacy' | 'modern' | 'dual'

/** Streamable HTTP on loopback; the address. */
export function serveHttp(sdk: 'v1' | 'v2', era: Era, surface: Surface, port: number): string {
  const legacy = withSessions(sdk, surface)
  const modern = withoutSessions(surface)
  const http = Bun.serve({
    hostname: '127.0.0.1',
    port,
    idleTimeout: 0,
    async fetch(request, { port: own }) {
      const local = [`127.0.0.1:${own}`, `localhost:${own}`]
      const origin = request.headers.get('origin')
      if (!local.includes(request.headers.get('host') ?? '')) return new Response('host', { status: 403 })
      if (origin !== null && !local.some((host) => origin === `http://${host}`))
        return new Response('origin', { status: 403 })
      if (era === 'legacy' || (era === 'dual' && (await isLegacyRequest(request)))) return legacy(request)
      return modern(request)
    },
  })
  return `${http.url}mcp`
}

/** The older HTTP+SSE on loopback, which only the older line has; the address. */
export async function serveSse(surface: Surface, port: number): Promise<string> {
  const sessions = new Map<string, SSEServerTransport>()
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const session = sessions.get(url.searchParams.get('sessionId') ?? '')
    if (session) return void session.handlePostMessage(request, response)
    if (request.method !== 'GET' || url.pathname !== '/sse') return void response.writeHead(404).end()
    const opened = new SSEServerTransport('/messages', response)
    sessions.set(opened.sessionId, opened)
    response.on('close', () => sessions.delete(opened.sessionId))
    void serverV1(surface).connect(opened)
  })
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}/sse`
}
