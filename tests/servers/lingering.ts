// What a server does that goes on with calls nobody waits for any more; its tools:
//   `work` {text, lastWords?, confirms?}: no answer before `finish`. When it is cancelled, it logs its text with
//     `lastWords`, and answers with an error with `confirms`
//   `working` {}: how many of them there are       `cancelled` {}: how many cancellations it got
//   `tell` {}: logs the text of each `work` and asks the same in an elicitation; answers with the raw answers it got
//   `finish` {}: answers each `work`, late or not, and itself; then logs `the end`
export interface Message {
  id?: number
  method?: string
  params?: {
    name?: string
    arguments?: { text?: string; lastWords?: boolean; confirms?: boolean }
    requestId?: number
  }
}

/** Where its messages go: answers to calls, and what is of no call in particular. */
export interface Ways {
  answer(message: { id: number } & Record<string, unknown>): void
  say(message: object): void
}

const tools = ['work', 'working', 'cancelled', 'tell', 'finish'].map((name) => ({
  name,
  inputSchema: { type: 'object' },
}))
const greeting = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, logging: {} },
  serverInfo: { name: 'lingering', version: '1' },
}

/** Takes one message. */
export function createLingering({ answer, say }: Ways): (message: Message) => void {
  const works = new Map<number, { text?: string; lastWords?: boolean; confirms?: boolean }>()
  const asks = new Map<number, (answer: string) => void>()
  let lastAsk = 0
  let cancellations = 0

  const content = (id: number, text: string) => answer({ id, result: { content: [{ type: 'text', text }] } })
  const log = (data: unknown) => say({ method: 'notifications/message', params: { level: 'info', data } })

  function ask(message: unknown): Promise<string> {
    const id = ++lastAsk
    say({ id, method: 'elicitation/create', params: { message, requestedSchema: { type: 'object' } } })
    return new Promise((resolve) => asks.set(id, resolve))
  }

  async function tell(id: number): Promise<void> {
    const answers = [...works.values()].map(({ text }) => {
      log(text)
      return ask(text)
    })
    content(id, (await Promise.all(answers)).join('\n'))
  }

  function finish(id: number): void {
    for (const work of works.keys()) content(work, 'finished')
    works.clear()
    content(id, 'done')
    log('the end')
  }

  function call(id: number, { name, arguments: given = {} }: NonNullable<Message['params']>): void {
    if (name === 'work') works.set(id, given)
    else if (name === 'tell') void tell(id)
    else if (name === 'finish') finish(id)
    else content(id, String(name === 'working' ? works.size : cancellations))
  }

  function cancel(id: number): void {
    cancellations += 1
    const work = works.get(id)
    if (work?.lastWords) log(work.text)
    if (work?.confirms) answer({ id, error: { code: 0, message: 'Request cancelled' } })
  }

  return (message) => {
    const { id, method, params = {} } = message
    if (method === 'notifications/cancelled') return cancel(params.requestId ?? -1)
    if (id === undefined) return
    if (method === undefined) return asks.get(id)?.(JSON.stringify(message))
    if (method === 'tools/call') return call(id, params)
    if (method === 'initialize') return answer({ id, result: greeting })
    answer({ id, result: method === 'tools/list' ? { tools } : {} })
  }
}
