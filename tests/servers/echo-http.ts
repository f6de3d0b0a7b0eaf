// `bun echo-http.ts [TOOLS]`: the echo server over Streamable HTTP, without sessions and streams. Prints its address.
import { echoAnswer, manyTools } from './echo-answers'

const tools = manyTools(Number(process.argv[2] ?? 1))
const json = { 'content-type': 'application/json' }

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    if (request.method !== 'POST') return new Response(null, { status: 405 })
    const answer = echoAnswer(await request.text(), tools)
    return answer === null ? new Response(null, { status: 202 }) : new Response(answer, { headers: json })
  },
})
console.log(`http://127.0.0.1:${server.port}/mcp`)
