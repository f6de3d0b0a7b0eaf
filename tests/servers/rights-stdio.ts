// A server of which clients may use a part. Tools are the words of a file, read anew for each list; every request that
// reaches it is a line of FILE.log.
//   rights-stdio.ts FILE
import { appendFileSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [file = ''] = process.argv.slice(2)
const send = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const names = (): string[] => readFileSync(file, 'utf8').trim().split(/\s+/)

interface Params {
  name?: string
  uri?: string
  arguments?: { uri?: string }
}

const answers: Record<string, (params: Params) => object> = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: {
      tools: { listChanged: true },
      prompts: {},
      resources: { subscribe: true },
      completions: {},
    },
    serverInfo: { name: 'rights', version: '1' },
  }),
  'tools/list': () => ({ tools: names().map((name) => ({ name, inputSchema: { type: 'object' } })) }),
  'prompts/list': () => ({ prompts: [{ name: 'greet' }, { name: 'curse' }] }),
  'resources/list': () => ({
    resources: ['note://open', 'note://closed', 'vault://x'].map((uri) => ({ uri, name: uri })),
  }),
  'resources/templates/list': () => ({
    resourceTemplates: ['note://{id}', 'vault://{id}'].map((uriTemplate) => ({
      uriTemplate,
      name: uriTemplate,
    })),
  }),
  'tools/call': ({ name, arguments: given }) => {
    if (name === 'touch') send({ method: 'notifications/resources/updated', params: { uri: given?.uri } })
    if (name === 'announce') send({ method: 'notifications/tools/list_changed' })
    return { content: [{ type: 'text', text: name }] }
  },
  'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }] }),
  'resources/read': ({ uri }) => ({ contents: [{ uri, text: 'read' }] }),
  'completion/complete': () => ({ completion: { values: ['done'] } }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line)
  appendFileSync(
    `${file}.log`,
    `${method} ${params.name ?? params.uri ?? params.ref?.name ?? params.ref?.uri ?? ''}\n`,
  )
  if (id !== undefined) send({ id, result: answers[method]?.(params) ?? {} })
}
