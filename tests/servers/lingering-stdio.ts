// A stdio server that goes on with calls nobody waits for any more; its tools:
//   `work` {text, lastWords?}: no answer before `finish`; with `lastWords` it logs its text when it is cancelled
//   `working` {}: how many of them there are       `cancelled` {}: how many cancellations it got
//   `tell` {}: logs the text of each `work` and asks the same in an elicitation; answers with the raw answers it got
//   `finish` {}: answers each `work`, late or not, and itself; then logs `the end`
import { decodeUtf8 } from '../../gateway/wire/text'

interface Message {
  id?: number
  method?: string
  params?: { name?: string; arguments?: { text?: string; lastWords?: boolean }; requestId?: number }
}

const works = new Map<number, { text: string; lastWords: boolean }>()
const asks = new Map<number, (answer: string) => void>()
let lastAsk = 0
let cancellations = 0

const write = (message: object) =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const say = (id: number, text: string) => write({ id, result: { content: [{ type: 'text', text }] } })
const log = (data: string) => write({ method: 'notifications/message', params: { level: 'info', data } })

function ask(message: string): Promise<string> {
  const id = ++lastAsk
  write({ id, method: 'elicitation/create', params: { message, requestedSchema: { type: 'object' } } })
  return new Promise((resolve) => asks.set(id, resolve))
}

async function tell(id: number): Promise<void> {
  const answers = [...works.values()].map(({ text }) => {
    log(text)
    return ask(text)
  })
  say(id, (await Promise.all(answers)).join('\n'))
}

function finish(id: number): void {
  for (const work of works.keys()) say(work, 'finished')
  works.clear()
  say(id, 'done')
  log('the end')
}

function call(
  id: number,
  { name, arguments: { text = '', lastWords = false } = {} }: Message['params'] & {},
) {
  if (name === 'work') works.set(id, { text, lastWords })
  else if (name === 'tell') void tell(id)
  else if (name === 'finish') finish(id)
  else say(id, String(name === 'working' ? works.size : cancellations))
}

const greeting = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, logging: {} },
  serverInfo: { name: 'lingering', version: '1' },
}
const tools = ['work', 'working', 'cancelled', 'tell', 'finish'].map((name) => ({
  name,
  inputSchema: { type: 'object' },
}))

function take(line: string): void {
  const { id, method, params = {} } = JSON.parse(line) as Message
  if (method === 'notifications/cancelled') {
    cancellations += 1
    const work = works.get(params.requestId ?? -1)
    if (work?.lastWords) log(work.text)
  }
  if (id === undefined) return
  if (method === undefined) asks.get(id)?.(line)
  else if (method === 'initialize') write({ id, result: greeting })
  else if (method === 'tools/list') write({ id, result: { tools } })
  else if (method === 'tools/call') call(id, params)
  else write({ id, result: {} })
}

let rest = ''
for await (const chunk of Bun.stdin.stream()) {
  const lines = (rest + decodeUtf8(chunk)).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) take(line)
}
