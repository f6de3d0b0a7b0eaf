// Offers what a file says: { instructions?, tools?, prompts?, templates? }, read anew for each list. The tool `announce`
// says that all lists changed; every other one answers with its name.
//   offering-stdio.ts FILE [FILE that the second and every later process reads instead]
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [first = '', later = ''] = process.argv.slice(2)
const started = `${first}.started`
const file = later !== '' && existsSync(started) ? later : first
appendFileSync(started, 'x')

interface Offer {
  instructions?: string
  tools?: object[]
  prompts?: object[]
  templates?: object[]
}
const offer = (): Offer => JSON.parse(readFileSync(file, 'utf8')) as Offer
const send = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const announce = { name: 'announce', inputSchema: { type: 'object' } }

const answers: Record<string, (params: { name?: string; uri?: string }) => object> = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
    },
    serverInfo: { name: 'offering', version: '1' },
    instructions: offer().instructions,
  }),
  'tools/list': () => ({ tools: [...(offer().tools ?? []), announce] }),
  'prompts/list': () => ({ prompts: offer().prompts ?? [] }),
  'resources/list': () => ({ resources: [] }),
  'resources/templates/list': () => ({ resourceTemplates: offer().templates ?? [] }),
  'tools/call': ({ name }) => {
    if (name === 'announce')
      for (const list of ['tools', 'prompts', 'resources'])
        send({ method: `notifications/${list}/list_changed` })
    return { content: [{ type: 'text', text: name }] }
  },
  'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }] }),
  'completion/complete': () => ({ completion: { values: ['completed'] } }),
  'resources/read': ({ uri }) => ({ contents: [{ uri, text: 'read' }] }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line)
  if (id !== undefined) send({ id, result: answers[method]?.(params) ?? {} })
}
