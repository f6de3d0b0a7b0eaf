// Says what it was given: the headers of the request, raw bytes as Latin-1.
import { givenAnswer } from './given-answers'

export interface GivenHttp extends AsyncDisposable {
  url: string
  /** Headers of all requests so far, one JSON object each. */
  requests: string[]
}

export function startGivenHttp(): GivenHttp {
  const requests: string[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const headers = Object.fromEntries(request.headers)
      requests.push(JSON.stringify(headers))
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const answer = givenAnswer(await request.text(), headers)
      return answer === null
        ? new Response(null, { status: 202 })
        : new Response(answer, { headers: { 'content-type': 'application/json' } })
    },
  })
  return { url: `${server.url}mcp`, requests, [Symbol.asyncDispose]: () => server.stop(true) }
}
