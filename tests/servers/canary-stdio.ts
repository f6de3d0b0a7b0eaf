// Says secrets wherever a server can say something. They come from the file it is given, so that nobody else has
// them: `result`, `resource`, `prompt`, `error`, `stderr`, `log`. Its own is in TOKEN.
import { createInterface } from 'node:readline'

const said = (await Bun.file(process.argv[2] ?? '').json()) as Record<string, string>
const send = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

const answers: Record<string, (params: Record<string, unknown>) => object> = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {}, resources: {}, prompts: {}, completions: {}, logging: {} },
    serverInfo: { name: 'canary', version: '1' },
  }),
  'tools/list': () => ({
    tools: ['speak', 'fail', 'die'].map((name) => ({ name, inputSchema: { type: 'object' } })),
  }),
  'resources/list': () => ({ resources: [{ uri: 'canary://one', name: 'one' }] }),
  'prompts/list': () => ({ prompts: [{ name: 'ask', arguments: [{ name: 'topic' }] }] }),
  'tools/call': ({ name }) => {
    process.stderr.write(`token is ${process.env.TOKEN} and Authorization: Bearer ${process.env.TOKEN}\n`)
    process.stdout.write(`no JSON at all, TOKEN=${process.env.TOKEN}\n`)
    if (name === 'die') {
      process.stderr.write(`dying with ${process.env.TOKEN}\n`)
      process.exit(3)
    }
    send({ method: 'notifications/message', params: { level: 'error', data: said.log } })
    return { content: [{ type: 'text', text: said.result }] }
  },
  'resources/read': () => ({ contents: [{ uri: 'canary://one', text: said.resource }] }),
  'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: said.prompt } }] }),
  'completion/complete': () => ({ completion: { values: [said.completion] } }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line)
  if (id === undefined) continue
  if (params.name === 'fail')
    send({ id, error: { code: -32000, message: said.error, data: { why: said.error } } })
  else send({ id, result: answers[method]?.(params) ?? {} })
}
