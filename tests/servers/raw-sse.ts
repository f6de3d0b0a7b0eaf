// A legacy HTTP+SSE server that answers with bytes of the test's choice and keeps the bytes it was sent.
export interface RawSse extends AsyncDisposable {
  url: string
  /** Bodies of the POSTs in the order of their arrival. */
  bodies: string[]
}

const encoder = new TextEncoder()

/** One stream at `/sse`; every call is answered on it with `result`. */
export function startRawSse({ result }: { result: string }): RawSse {
  const bodies: string[] = []
  let stream: ReadableStreamDefaultController<Uint8Array> | null = null
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === 'GET') {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            stream = controller
            controller.enqueue(encoder.encode('event: endpoint\ndata: /messages\n\n'))
          },
        })
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      }
      const body = await request.text()
      bodies.push(body)
      const id = /"id": ?(\d+)/.exec(body)?.[1]
      if (id !== undefined)
        stream?.enqueue(encoder.encode(`data: {"jsonrpc":"2.0","id":${id},"result":${result}}\n\n`))
      return new Response('Accepted', { status: 202 })
    },
  })
  return { url: `${server.url}sse`, bodies, [Symbol.asyncDispose]: () => server.stop(true) }
}
