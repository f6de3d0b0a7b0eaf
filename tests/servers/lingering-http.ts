// `lingering` over Streamable HTTP behind a proxy that has no patience: each `work` is answered 504 at once, and goes on.
// What is of no call in particular comes on the stream of GET.
import { createLingering, type Message } from './lingering'

const encoder = new TextEncoder()

export function startLingeringHttp(): { url: string } & AsyncDisposable {
  const waiting = new Map<number, (answer: object) => void>()
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>()
  const take = createLingering({
    answer: (message) => waiting.get(message.id)?.(message),
    say(message) {
      const event = encoder.encode(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
      for (const stream of streams) stream.enqueue(event)
    },
  })

  function listen(): Response {
    let own: ReadableStreamDefaultController<Uint8Array>
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        own = controller
        streams.add(own)
        own.enqueue(encoder.encode(': here\n\n'))
      },
      cancel: () => void streams.delete(own),
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === 'GET') return listen()
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const message = (await request.json()) as Message
      const { id, method } = message
      if (id === undefined || method === undefined) {
        take(message)
        return new Response(null, { status: 202 })
      }
      const answered = new Promise<object>((resolve) => waiting.set(id, resolve))
      take(message)
      if (message.params?.name === 'work') return new Response('too slow', { status: 504 })
      return Response.json({ jsonrpc: '2.0', ...(await answered) })
    },
  })
  return { url: String(server.url), [Symbol.asyncDispose]: () => server.stop(true) }
}
