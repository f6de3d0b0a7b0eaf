// `rawAnswer` over HTTP: plain JSON at `/json`, event streams at `/stream`, the older HTTP+SSE transport at `/sse`.
import { rawAnswer } from './raw-answers'

export interface RawRemote extends AsyncDisposable {
  url(path: 'json' | 'stream' | 'sse'): string
}

const streaming = { 'content-type': 'text/event-stream' }
const encoder = new TextEncoder()

export function startRawRemote(): RawRemote {
  let down: ReadableStreamDefaultController<Uint8Array> | null = null
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (request.method === 'GET' && pathname === '/sse') {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            down = controller
            controller.enqueue(encoder.encode('event: endpoint\ndata: /up\n\n'))
          },
        })
        return new Response(body, { headers: streaming })
      }
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const answer = rawAnswer(await request.text(), request.headers.get('x-canary') ?? '')
      if (answer === null) return new Response(null, { status: 202 })
      if (pathname === '/json')
        return new Response(answer, { headers: { 'content-type': 'application/json' } })
      const event = `data: ${answer}\n\n`
      if (pathname === '/stream') return new Response(event, { headers: streaming })
      down?.enqueue(encoder.encode(event))
      return new Response(null, { status: 202 })
    },
  })
  return {
    url: (path) => `${server.url}${path}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}
