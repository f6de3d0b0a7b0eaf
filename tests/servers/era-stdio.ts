// A stdio server of a chosen temper about eras, without an SDK, so that its messages are exactly these bytes.
//   era-stdio.ts MODE LOG      every line it gets goes to LOG, behind its process id
//   exits   ends on anything before initialize          hangs   says nothing before initialize
//   alone   ends when another one of it runs            raw     speaks 2026-07-28 only
//   turning TEMPER: what the file LOG.mode says when it starts (exits or raw), and the version in LOG.version
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { alive } from '../support/scripted'

const [given = 'raw', log = ''] = process.argv.slice(2)
const read = (file: string, otherwise: string) => (existsSync(file) ? readFileSync(file, 'utf8') : otherwise)
const mode = given === 'turning' ? read(`${log}.mode`, 'exits') : given
const serverInfo = { name: 'era', version: read(`${log}.version`, '1') }
let initialized = false

const write = (text: string) => void process.stdout.write(`${text}\n`)
const result = (id: unknown, raw: string) =>
  write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${raw}}`)
const error = (id: unknown, code: number, message: string) =>
  write(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }))

interface Message {
  id?: number
  method?: string
  params?: Record<string, unknown> & { inputResponses?: object; name?: string; arguments?: object }
}

const tools = ['echo', 'pid', 'rounds', 'endless', 'vague', 'forbidden'].map((name) => ({
  name,
  inputSchema: { type: 'object' },
}))
/** Written with care for what must come back: escapes, spaces, numbers that JavaScript would not keep. */
const state = '"s\\u00e9 \\/ 9007199254740993"'
const asks =
  '"inputRequests":{"a \\u0062":{"method":"sampling/createMessage","params":{"maxTokens":1.0,"x":1e400}},"r":{"method":"roots/list"}}'

function call({ id, params = {} }: Message, line: string): void {
  const said = (text: string) => JSON.stringify({ content: [{ type: 'text', text }] })
  const required = (rest: string) => result(id, `{"resultType":"input_required",${rest}}`)
  const answered = params.inputResponses !== undefined
  switch (params.name) {
    case 'pid':
      return result(id, said(String(process.pid)))
    case 'rounds':
      if (!answered && params.requestState === undefined) return required(`"requestState":"first"`)
      return answered ? result(id, said(line)) : required(`${asks},"requestState":${state}`)
    case 'endless':
      return required(asks)
    case 'vague':
      return required('"x":1')
    case 'forbidden':
      return required('"inputRequests":{"e":{"method":"elicitation/create","params":{"message":"?"}}}')
    default:
      return result(
        id,
        `{"resultType":"complete","content":[{"type":"hologram","n":1.0}],"line":${JSON.stringify(line)}}`,
      )
  }
}

function modern(message: Message, line: string): void {
  const { id, method } = message
  if (id === undefined) return
  const capabilities = { tools: {}, 'x-vendor': { n: 1 } }
  const meta = { 'io.modelcontextprotocol/serverInfo': serverInfo }
  if (method === 'initialize') return error(id, -32022, 'only 2026-07-28 is spoken')
  if (method === 'server/discover')
    return result(
      id,
      JSON.stringify({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities,
        _meta: meta,
      }),
    )
  if (method === 'tools/list') return result(id, JSON.stringify({ tools }))
  if (method === 'tools/call') return call(message, line)
  return error(id, -32601, 'method not found')
}

function legacy(message: Message, line: string): void {
  const { id, method } = message
  if (method === 'initialize') {
    initialized = true
    const capabilities = { tools: {} }
    return result(id, JSON.stringify({ protocolVersion: '2025-11-25', capabilities, serverInfo }))
  }
  if (!initialized && mode === 'hangs') return
  if (!initialized && mode === 'exits') process.exit(3)
  if (id === undefined) return
  if (method === 'tools/list') return result(id, JSON.stringify({ tools }))
  if (method === 'tools/call') return call(message, line)
  return error(id, -32601, 'method not found')
}

appendFileSync(log, `${process.pid} started\n`)
if (mode === 'alone') {
  // Each new one ends the one before, and says nothing before that is noticed: a process is there until it is waited for.
  const other = Number(read(`${log}.lock`, '0'))
  writeFileSync(`${log}.lock`, String(process.pid))
  if (other && alive(other)) process.kill(other, 'SIGKILL')
  while (other && alive(other)) await Bun.sleep(5)
}
let rest = ''
for await (const chunk of Bun.stdin.stream()) {
  rest += new TextDecoder().decode(chunk)
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const line = rest.slice(0, end)
    rest = rest.slice(end + 1)
    appendFileSync(log, `${process.pid} ${line}\n`)
    const message = JSON.parse(line) as Message
    if (mode === 'raw') modern(message, line)
    else legacy(message, line)
  }
}
