// The least a gateway can do, to measure others against. Prints its address.
//   floor.ts stdio COMMAND…   parse, remap the id, forward to a child
//   floor.ts http URL         parse, remap the id, forward over kept-alive fetch
//   floor.ts list COUNT       serialise one list of COUNT tools for each request
import { manyTools } from '../servers/echo-answers'

interface Message {
  id?: number | string
  method?: string
}
type Forward = (message: Message) => Promise<Message | null>

const [mode, ...rest] = process.argv.slice(2)
const forward =
  mode === 'stdio' ? toChild(rest) : mode === 'http' ? toUrl(rest[0] ?? '') : toList(Number(rest[0]))

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  // A load that turns elsewhere for a while finds its connections again.
  idleTimeout: 120,
  async fetch(request) {
    if (request.method !== 'POST') return new Response(null, { status: 405 })
    const answer = await forward(JSON.parse(await request.text()) as Message)
    if (answer === null) return new Response(null, { status: 202 })
    return new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } })
  },
})
console.log(`http://127.0.0.1:${server.port}/mcp`)

function toChild(command: string[]): Forward {
  const child = Bun.spawn(command, { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' })
  const waiting = new Map<number, (answer: Message) => void>()
  const decoder = new TextDecoder()
  let next = 0
  let part = ''
  const read = async () => {
    for await (const chunk of child.stdout) {
      const lines = (part + decoder.decode(chunk, { stream: true })).split('\n')
      part = lines.pop() ?? ''
      for (const line of lines) {
        const answer = JSON.parse(line) as { id: number }
        waiting.get(answer.id)?.(answer)
        waiting.delete(answer.id)
      }
    }
  }
  void read()
  process.on('SIGTERM', () => {
    child.kill()
    process.exit(0)
  })
  return (message) => {
    const theirs = message.id
    if (theirs === undefined) {
      void child.stdin.write(`${JSON.stringify(message)}\n`)
      void child.stdin.flush()
      return Promise.resolve(null)
    }
    const id = ++next
    message.id = id
    return new Promise((resolve) => {
      waiting.set(id, (answer) => {
        answer.id = theirs
        resolve(answer)
      })
      void child.stdin.write(`${JSON.stringify(message)}\n`)
      void child.stdin.flush()
    })
  }
}

function toUrl(url: string): Forward {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  let next = 0
  return async (message) => {
    const theirs = message.id
    if (theirs !== undefined) message.id = ++next
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(message) })
    if (theirs === undefined) {
      await response.arrayBuffer()
      return null
    }
    const answer = (await response.json()) as Message
    answer.id = theirs
    return answer
  }
}

function toList(count: number): Forward {
  const tools = manyTools(count)
  return ({ id, method }) => {
    if (id === undefined) return Promise.resolve(null)
    const handshake = {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'list', version: '1.0.0' },
    }
    return Promise.resolve({ jsonrpc: '2.0', id, result: method === 'initialize' ? handshake : { tools } })
  }
}
