// A stdio server whose behaviour is chosen by its arguments, for what well-behaved servers never do.
//   scripted-stdio.ts MODE [FILE for what it hears [FILE that, while it is there, keeps it from starting]]
import { appendFileSync, existsSync } from 'node:fs'

const [mode = 'plain', argument = '', obstacle = ''] = process.argv.slice(2)
const decoder = new TextDecoder()
let rest = ''
let generation = 1

const send = (message: object | string) =>
  process.stdout.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
const tool = (name: string, more: object = {}) => ({
  name,
  description: name,
  inputSchema: { type: 'object' },
  ...more,
})

function nested(depth: number): object {
  let value: object = {}
  for (let i = 0; i < depth; i++) value = { a: value }
  return value
}

/** The `tools/list` result of each hostile or changing mode. */
function tools(cursor: string | undefined): object | string {
  switch (mode) {
    case 'cursor-loop':
      return { tools: [tool(`t-${cursor ?? 'first'}`)], nextCursor: cursor === 'a' ? 'b' : 'a' }
    case 'endless-pages': {
      const page = Number(cursor ?? 0)
      return { tools: [tool(`t${page}`)], nextCursor: String(page + 1) }
    }
    case 'ten-thousand':
      return { tools: Array.from({ length: 10_000 }, (_, i) => tool(`t${i}`)) }
    case 'bad-entries':
      return {
        tools: [
          null,
          7,
          'x',
          [],
          {},
          { name: 5 },
          { name: '' },
          tool('good'),
          tool('good'),
          tool('also-good'),
        ],
      }
    case 'bombs':
      return {
        tools: [
          tool('deep', { inputSchema: nested(100) }),
          tool('fat', { description: 'x'.repeat(300 * 1024) }),
          tool('good'),
        ],
      }
    case 'not-a-list':
      return { tools: { name: 'x' } }
    case 'shows-environment':
      return { tools: [tool('environment')] }
    case 'changing':
      return {
        tools: [tool(`version-${generation}`), tool('change'), tool('vanish-after')].slice(
          0,
          generation > 1 ? 2 : 3,
        ),
      }
    default:
      return {
        tools: [
          tool('echo'),
          tool('touch'),
          tool('die'),
          tool('hang'),
          tool('slow'),
          tool('pid'),
          tool('change'),
        ],
      }
  }
}

const text = (value: string) => ({ content: [{ type: 'text', text: value }] })

async function call(
  id: unknown,
  params: { name: string; arguments?: { text?: string; ms?: number } },
): Promise<void> {
  const result = (value: object) => send({ jsonrpc: '2.0', id, result: value })
  switch (params.name) {
    case 'die':
      process.exit(3)
      return
    case 'hang':
      return
    case 'slow':
      await Bun.sleep(params.arguments?.ms ?? 100)
      return void result(text('slept'))
    case 'pid':
      return void result(text(String(process.pid)))
    case 'environment':
      return void result(text(JSON.stringify(process.env)))
    case 'touch':
      send({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'test://a' } })
      return void result(text('touched'))
    case 'change':
      generation++
      for (let i = 0; i < 20; i++) send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
      return void result(text('changed'))
    default:
      return void result(text(params.arguments?.text ?? ''))
  }
}

async function handle(message: {
  id?: unknown
  method?: string
  params?: Record<string, unknown>
}): Promise<void> {
  const { id, method, params = {} } = message
  const result = (value: object | string) =>
    typeof value === 'string' ? send(value) : send({ jsonrpc: '2.0', id, result: value })
  if (argument && method) appendFileSync(argument, `${method} ${JSON.stringify(params)}\n`)
  switch (method) {
    case 'initialize':
      if (mode === 'dies-at-start') process.exit(1)
      if (mode === 'hangs-at-start' || existsSync(obstacle)) return
      if (mode === 'future-version')
        return void result({
          protocolVersion: '2999-01-01',
          capabilities: {},
          serverInfo: { name: 's', version: '1' },
        })
      return void result({
        protocolVersion: '2025-11-25',
        capabilities:
          mode === 'only-prompts'
            ? { prompts: {} }
            : {
                tools: { listChanged: true },
                logging: {},
                ...(mode === 'resources' ? { resources: { subscribe: true } } : {}),
              },
        serverInfo: { name: 'scripted', version: '1' },
        instructions: `Mode ${mode}.`,
      })
    case 'tools/list':
      if (mode === 'list-hangs') return
      if (mode === 'list-storm') send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
      return void result(tools(params.cursor as string | undefined))
    case 'prompts/list':
      return void result({ prompts: [{ name: 'hello' }] })
    case 'tools/call':
      return call(id, params as { name: string })
    case 'resources/list':
      return void result({ resources: [{ uri: 'test://a', name: 'a' }] })
    case 'resources/templates/list':
      return void result({ resourceTemplates: [] })
    case 'resources/subscribe':
    case 'resources/unsubscribe':
    case 'logging/setLevel':
      return void result({})
    case 'notifications/cancelled':
      return
    default:
      if (id !== undefined) send({ jsonrpc: '2.0', id, error: { code: -32601, message: 'method not found' } })
  }
}

for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true })
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const line = rest.slice(0, end)
    rest = rest.slice(end + 1)
    void handle(JSON.parse(line))
  }
}
