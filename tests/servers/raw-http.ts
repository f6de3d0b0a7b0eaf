// A server that answers with bytes of the test's choice and keeps the bytes it was sent.
export interface RawHttp extends AsyncDisposable {
  url: string
  /** Bodies of the POSTs in the order of their arrival. */
  bodies: string[]
}

export interface RawOptions {
  /** The raw result of every call but initialize. */
  result: string
  /** Answer as `text/event-stream`. */
  stream?: boolean
  /** Milliseconds until a notification is answered. */
  slowNotifications?: number
}

const hello = '{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"raw","version":"1"}}'

/** Streamable HTTP at `/mcp`. */
export function startRawHttp({ result, stream = false, slowNotifications = 0 }: RawOptions): RawHttp {
  const bodies: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const body = await request.text()
      const id = /"id": ?(\d+)/.exec(body)?.[1]
      if (id === undefined) await Bun.sleep(slowNotifications)
      bodies.push(body)
      if (id === undefined) return new Response(null, { status: 202 })
      const isHello = body.includes('"initialize"')
      const answer = `{"jsonrpc":"2.0","id":${id},"result":${isHello ? hello : result}${isHello ? '' : ',"extra":1.0'}}`
      return stream
        ? new Response(`event: message\ndata: ${answer}\n\n`, {
            headers: { 'content-type': 'text/event-stream' },
          })
        : new Response(answer, { headers: { 'content-type': 'application/json; charset=utf-8' } })
    },
  })
  return { url: `${server.url}mcp`, bodies, [Symbol.asyncDispose]: () => server.stop(true) }
}
