// `shuffling` over Streamable HTTP, each answer an event stream of its own.
import { createShuffler, type Message } from './shuffling'

const encoder = new TextEncoder()

export function startShufflingHttp(): { url: string } & AsyncDisposable {
  const take = createShuffler()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const message = (await request.json()) as Message
      if (message.id === undefined) {
        take(message, () => {})
        return new Response(null, { status: 202 })
      }
      let gone = false
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          take(message, (said) => {
            if (gone) return
            controller.enqueue(encoder.encode(`data: ${JSON.stringify({ jsonrpc: '2.0', ...said })}\n\n`))
            if ('id' in said) controller.close()
          })
        },
        cancel: () => void (gone = true),
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return { url: String(server.url), [Symbol.asyncDispose]: () => server.stop(true) }
}
