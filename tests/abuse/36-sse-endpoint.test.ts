import { expect, test } from 'bun:test'
import { openLeg, rejection } from '../support/remote-leg'

/** A legacy SSE server that names `endpoint` and logs what is POSTed anywhere. */
function startSse(endpoint: (own: URL) => string) {
  const posted: { path: string; authorization: string | null }[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const url = new URL(request.url)
      if (request.method === 'POST') {
        posted.push({ path: url.pathname, authorization: request.headers.get('authorization') })
        return new Response(null, { status: 202 })
      }
      const data = endpoint(new URL(server.url))
      const body = new ReadableStream<Uint8Array>({
        start: (controller) =>
          controller.enqueue(new TextEncoder().encode(`event: endpoint\ndata: ${data}\n\n`)),
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return { url: `${server.url}sse`, posted, [Symbol.asyncDispose]: () => server.stop(true) }
}

const headers = { authorization: 'Bearer canary' }

test('[threat.36] an endpoint on another origin is refused and never hears of the credentials', async () => {
  await using thief = startSse(() => '/messages')
  const foreign = [
    () => `${new URL('/stolen', thief.url)}`,
    () => `//127.0.0.1:${new URL(thief.url).port}/stolen`,
    (own: URL) => `http://localhost:${own.port}/messages`,
    (own: URL) => `https://127.0.0.1:${own.port}/messages`,
    (own: URL) => `http://a:b@127.0.0.1:${own.port}/messages`,
    () => 'https://evil.example/messages',
    () => 'file:///etc/passwd',
    () => 'javascript:alert(1)',
    () => 'http://[',
  ]
  for (const endpoint of foreign) {
    await using server = startSse(endpoint)
    const error = await rejection(openLeg(server.url, { transport: 'sse', headers }))
    expect(error.code).toBe('upstream.garbage')
    expect(server.posted).toEqual([])
  }
  expect(thief.posted).toEqual([])
})

test('[threat.36] an endpoint on the same origin is used, relative or absolute, and no later one', async () => {
  for (const endpoint of [() => '/messages?sid=1', (own: URL) => `${own}messages`, () => 'messages#x']) {
    await using server = startSse((own) => `${endpoint(own)}\n\nevent: endpoint\ndata: /moved`)
    await using leg = await openLeg(server.url, { transport: 'sse', headers })
    await leg.notify('notifications/initialized')
    expect(server.posted).toEqual([{ path: '/messages', authorization: 'Bearer canary' }])
  }
})
