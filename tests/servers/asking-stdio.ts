// A stdio server that asks its clients things, written without an SDK so that its messages are exactly these bytes.
//   `ask` {method, params, count?, retract?}: asks that and answers with the raw answers it got
//   `hold` {}: answers when `release` is called          `asked` {}: what it got for what it asked at its start
//   `holding` {}: how many calls wait for `release`
//   `headed` {region?, count?, inner?}: says its arguments; they are to be repeated in headers
//   `pid` {}: which process it is
//   `cancelled` {}: the ids of calls that were cancelled
//   `progressed` {}: the lines with progress of clients it got
//   `late` {elicitationId}: answers -32042, and says 50 ms later that the page is done
import { decodeUtf8 } from '../../gateway/wire/text'
let lastAsk = 0
let atStart = ''
const asks = new Map<string, (answer: string) => void>()
const held: (() => void)[] = []
const cancelled: unknown[] = []
const progressed: string[] = []

interface Message {
  id?: number | string
  method?: string
  params?: { name?: string; arguments?: Record<string, unknown>; requestId?: unknown }
}

const write = (text: string) => void process.stdout.write(`${text}\n`)
const reply = (id: unknown, body: object) => write(JSON.stringify({ jsonrpc: '2.0', id, ...body }))
const text = (id: unknown, said: string) => reply(id, { result: { content: [{ type: 'text', text: said }] } })

/** Ids of three kinds, that a client's own ids might equal. */
function ask(method: string, params: string): { id: string; answer: Promise<string> } {
  const number = ++lastAsk
  const id = number % 2 === 0 ? String(number) : `"a-${number}"`
  const answer = new Promise<string>((resolve) => asks.set(id, resolve))
  write(`{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`)
  return { id, answer }
}

async function call(id: unknown, name: string, args: Record<string, unknown>): Promise<void> {
  if (name === 'hold') return void held.push(() => text(id, 'released'))
  if (name === 'release') {
    for (const release of held.splice(0)) release()
    return text(id, 'done')
  }
  if (name === 'holding') return text(id, String(held.length))
  if (name === 'asked') return text(id, atStart)
  if (name === 'headed') return text(id, JSON.stringify(args))
  if (name === 'pid') return text(id, String(process.pid))
  if (name === 'progressed') return text(id, progressed.join('\n'))
  if (name === 'cancelled') return text(id, cancelled.join(' '))
  if (name === 'late') {
    const { elicitationId } = args
    const elicitations = [{ mode: 'url', message: 'go there', url: 'https://example.com/', elicitationId }]
    reply(id, { error: { code: -32042, message: 'a page is to be visited', data: { elicitations } } })
    await Bun.sleep(50)
    const method = 'notifications/elicitation/complete'
    return write(JSON.stringify({ jsonrpc: '2.0', method, params: { elicitationId } }))
  }
  const count = Number(args.count ?? 1)
  const open = Array.from({ length: count }, () => ask(String(args.method), String(args.params)))
  if (args.retract)
    for (const one of open) {
      await Bun.sleep(Number(args.retract))
      write(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${one.id}}}`)
      return text(id, 'taken back')
    }
  text(id, (await Promise.all(open.map(({ answer }) => answer))).join('\n'))
}

const headed = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
    inner: { type: 'object', properties: { dry: { type: 'boolean', 'x-mcp-header': 'Dry-Run' } } },
  },
}
const tools = [
  'ask',
  'hold',
  'release',
  'holding',
  'asked',
  'headed',
  'cancelled',
  'progressed',
  'pid',
  'late',
].map((name) => ({
  name,
  inputSchema: name === 'headed' ? headed : { type: 'object' },
}))

let rest = ''
for await (const chunk of Bun.stdin.stream()) {
  const lines = (rest + decodeUtf8(chunk)).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line) as Message
    if (method === undefined) {
      const key = /"id":("[^"]*"|\d+)/.exec(line)?.[1] ?? ''
      asks.get(key)?.(line)
    } else if (method === 'initialize')
      reply(id, {
        result: {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'asking', version: '1', declared: params },
        },
      })
    else if (method === 'notifications/initialized') {
      for (const what of ['roots/list', 'sampling/createMessage'])
        void ask(what, '{}').answer.then((answer) => (atStart += `${answer}\n`))
    } else if (method === 'tools/list') reply(id, { result: { tools } })
    else if (method === 'tools/call') void call(id, params?.name ?? '', params?.arguments ?? {})
    else if (method === 'notifications/progress') progressed.push(line)
    else if (method === 'notifications/cancelled') cancelled.push(params?.requestId)
    else if (id !== undefined) reply(id, { result: {} })
  }
}
