// A server on stdio that is correct and awkward: everything it says is allowed, little of it is usual.
//   edges-stdio.ts [LOG]      each line it is sent is appended to LOG
import { appendFileSync } from 'node:fs'

const [log] = process.argv.slice(2)
const decoder = new TextDecoder()
const MANY = 1000
let rest = ''

interface Arguments {
  count?: number
  bytes?: number
  ms?: number
  uri?: string
}
interface Message {
  id?: unknown
  method?: string
  params?: { name?: string; uri?: string; arguments?: Arguments; _meta?: { progressToken?: unknown } }
}

/** All of it in one write, so that it arrives in one piece as far as the system allows. */
const send = (...messages: object[]) =>
  process.stdout.write(
    messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''),
  )
const notification = (method: string, params: object) => ({ method: `notifications/${method}`, params })
const logged = (level: string, data: string) => notification('message', { level, data })
const answer = (id: unknown, text: string, more: object = {}) => ({
  id,
  result: { content: [{ type: 'text', text }], ...more },
})

const names = [
  'burst',
  'chatter',
  'drip',
  'fill',
  'late',
  'levels',
  'touch',
  'meta',
  'name with spaces',
  'größe',
  '工具',
  '🛠️',
]
const tools = [...names, ...Array.from({ length: MANY - names.length }, (_, i) => `tool-${i}`)].map(
  (name) => ({
    name,
    title: `${name} 🛠️`,
    description: `First line\nsecond line of ${name}\u2028third`,
    inputSchema: { type: 'object' },
  }),
)

async function call({ id, params }: Message): Promise<void> {
  const { count = 0, bytes = 0, ms = 0, uri = '' } = params?.arguments ?? {}
  const progressToken = params?._meta?.progressToken
  const steps = (many: number, message = '') =>
    Array.from({ length: many }, (_, i) =>
      notification('progress', { progressToken, progress: i + 1, message }),
    )
  switch (params?.name) {
    case 'burst':
      return void send(...steps(count, 'x'.repeat(bytes)), answer(id, `${count} steps`))
    case 'chatter': {
      const lines = Array.from({ length: count }, (_, i) => logged('info', `${i + 1} ${'x'.repeat(bytes)}`))
      return void send(...lines, answer(id, `${count} lines`))
    }
    case 'drip':
      for (const step of steps(count)) {
        send(step)
        await Bun.sleep(ms)
      }
      return void send(answer(id, 'dripped'))
    case 'fill':
      return void send(answer(id, 'x'.repeat(bytes)))
    case 'late':
      send(...steps(count))
      await Bun.sleep(ms)
      return void send(answer(id, 'y'.repeat(bytes)))
    case 'levels':
      return void send(
        ...['debug', 'info', 'error'].map((level) => logged(level, level)),
        answer(id, 'logged'),
      )
    case 'touch':
      return void send(answer(id, 'touched'), notification('resources/updated', { uri }))
    case 'meta':
      return void send(answer(id, JSON.stringify(params._meta ?? null), { _meta: { 'acme/own': 1 } }))
    default:
      return void send(answer(id, `called ${params?.name}`))
  }
}

function handle(message: Message): void {
  const { id, method, params } = message
  const result = (value: object) => ({ id, result: value })
  switch (method) {
    case 'initialize':
      return void send(
        result({
          protocolVersion: '2025-11-25',
          capabilities: { tools: {}, resources: { subscribe: true }, logging: {} },
          serverInfo: { name: 'edges', version: '1' },
        }),
      )
    case 'tools/list':
      return void send(result({ tools }))
    case 'tools/call':
      return void call(message)
    case 'resources/list':
      return void send(
        result({ resources: ['a', 'b', 'a/part', 'ab'].map((name) => ({ uri: `edges://${name}`, name })) }),
      )
    case 'resources/templates/list':
      return void send(result({ resourceTemplates: [] }))
    case 'resources/subscribe':
      return void send(result({}), notification('resources/updated', { uri: params?.uri }))
    case 'resources/unsubscribe':
    case 'logging/setLevel':
      return void send(result({}))
    default:
      if (id !== undefined) send({ id, error: { code: -32601, message: 'method not found' } })
  }
}

for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true })
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const line = rest.slice(0, end)
    rest = rest.slice(end + 1)
    if (log) appendFileSync(log, `${line}\n`)
    handle(JSON.parse(line) as Message)
  }
}
