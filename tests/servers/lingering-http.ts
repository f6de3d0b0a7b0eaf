// `lingering` over Streamable HTTP behind a proxy that has no patience: each `work` is answered 504 at once, and goes on.
// What is of no call in particular comes on the stream of GET. The stream of `cancelled` stays open behind its answer:
// `trail` logs a text there, and says that the tools changed.
import { createLingering, type Message } from './lingering'

const encoder = new TextEncoder()
const eventOf = (message: object) =>
  encoder.encode(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)

type Streams = Set<ReadableStreamDefaultController<Uint8Array>>

export interface LingeringHttp extends AsyncDisposable {
  url: string
  /** Logs on every stream that is open behind its answer; resolves when that was read. */
  trail(data: string): Promise<void>
}

export function startLingeringHttp(): LingeringHttp {
  const waiting = new Map<number, (answer: object) => void>()
  const listening: Streams = new Set()
  const trailing: Streams = new Set()
  let onList: () => void = () => undefined
  const take = createLingering({
    answer: (message) => waiting.get(message.id)?.(message),
    say(message) {
      for (const stream of listening) stream.enqueue(eventOf(message))
    },
  })

  function openStream(all: Streams, first?: object): Response {
    let own: ReadableStreamDefaultController<Uint8Array>
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        own = controller
        all.add(own)
        own.enqueue(first ? eventOf(first) : encoder.encode(': here\n\n'))
      },
      cancel: () => void all.delete(own),
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === 'GET') return openStream(listening)
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const message = (await request.json()) as Message
      const { id, method } = message
      if (id === undefined || method === undefined) {
        take(message)
        return new Response(null, { status: 202 })
      }
      const answered = new Promise<object>((resolve) => waiting.set(id, resolve))
      take(message)
      if (method === 'tools/list') onList()
      if (message.params?.name === 'cancelled') return openStream(trailing, await answered)
      if (message.params?.name === 'work') return new Response('too slow', { status: 504 })
      return Response.json({ jsonrpc: '2.0', ...(await answered) })
    },
  })
  async function trail(data: string): Promise<void> {
    const read = new Promise<void>((resolve) => (onList = resolve))
    const log = { method: 'notifications/message', params: { level: 'info', data } }
    for (const message of [log, { method: 'notifications/tools/list_changed' }])
      for (const stream of trailing) stream.enqueue(eventOf(message))
    await read
  }
  return { url: String(server.url), trail, [Symbol.asyncDispose]: () => server.stop(true) }
}
