// A server that behaves until it is told not to: `bun evil-stdio.ts MODE`. It answers initialize, tools/list and
// tools/call as MCP asks; the mode says what goes wrong, at the start or when the tool "go" is called.
import { closeSync, readSync, writeSync } from 'node:fs'

const mode = process.argv[2] ?? 'good'
const MiB = 1024 * 1024

function write(data: string | Uint8Array, fd = 1): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}
const line = (message: object): void => write(`${JSON.stringify(message)}\n`)
const note = (n: number) => ({ jsonrpc: '2.0', method: 'notifications/noise', params: { n } })
const answer = (id: unknown, text = 'ok') => ({
  jsonrpc: '2.0',
  id,
  result: { content: [{ type: 'text', text }] },
})
const forever = (): never => {
  for (;;) Bun.sleepSync(1000)
}

const atStart: Record<string, () => void> = {
  'dies-at-start': () => {
    write('cannot find my \u001b[31mconfiguration\u001b[0m\n', 2)
    process.exit(3)
  },
  'never-reads': forever,
  'closes-stdin': () => {
    closeSync(0)
    forever()
  },
  'closes-stdout': () => {
    closeSync(1)
    forever()
  },
  banner: () => write('Welcome to Evil Server 1.0\n  listening on stdio\n\n'),
  bom: () => write('\ufeff'),
  'stderr-flood': () => {
    const chunk = `${'e'.repeat(199)}\n`.repeat(5 * 1024)
    for (let n = 0; n < 50; n++) write(chunk, 2)
  },
  'stderr-no-newline': () => {
    for (let n = 0; n < 8; n++) write('x'.repeat(MiB), 2)
  },
  'echo-secret': () => write(`token is ${process.env.TOKEN ?? ''}\n`, 2),
}

const atGo: Record<string, (id: unknown) => void> = {
  garbage: (id) => {
    write('this is no JSON\n{"half":\n[]\n42\nnull\n"text"\n')
    line(answer(id))
  },
  'garbage-flood': (id) => {
    for (let n = 0; n < 20; n++) write('not json at all\n'.repeat(1000))
    line(answer(id))
  },
  blank: (id) => {
    write('\n\r\n   \n\t\n')
    line(answer(id))
  },
  crlf: (id) => write(`${JSON.stringify(answer(id))}\r\n`),
  nul: (id) => {
    write('\0\0\0\n{"jsonrpc":"2.0",\0}\n')
    line(answer(id))
  },
  'split-utf8': (id) => {
    for (const byte of Buffer.from(`${JSON.stringify(answer(id, 'zażółć 🐝'))}\n`))
      write(new Uint8Array([byte]))
  },
  'invalid-utf8': (id) => {
    write(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d, 0x0a]))
    line(answer(id))
  },
  'invalid-utf8-answer': (id) => {
    write(`{"jsonrpc":"2.0","id":${id},"result":{"text":"`)
    write(new Uint8Array([0xff]))
    write('"}}\n')
  },
  'json-log-lines': (id) => {
    line({ level: 30, id, msg: 'a log line that happens to have the id' })
    line(answer(id))
  },
  'notification-flood': (id) => {
    for (let n = 0; n < 30_000; n++) line(note(n))
    line(answer(id))
  },
  'huge-line': (id) => write(`{"jsonrpc":"2.0","id":${id},"result":{"text":"${'x'.repeat(20 * MiB)}"}}\n`),
  'huge-line-id-last': (id) =>
    write(`{"result":{"id":77,"text":"${'x'.repeat(20 * MiB)}"},"jsonrpc":"2.0","id":${id}}\n`),
  'no-newline': () => {
    for (let n = 0; n < 64; n++) write('x'.repeat(MiB))
    forever()
  },
  deep: (id) => write(`{"jsonrpc":"2.0","id":${id},"result":${'['.repeat(500_000)}${']'.repeat(500_000)}}\n`),
  truncated: (id) => write(`{"jsonrpc":"2.0","id":${id},"result":{"text":"half\n`),
  'big-then-small': (id) => {
    line({ ...note(0), params: { n: 0, text: 'x'.repeat(3 * MiB) } })
    for (let n = 1; n < 4; n++) line(note(n))
    line(answer(id))
  },
  'duplicate-id': (id) => {
    line(answer(id, 'first'))
    line(answer(id, 'second'))
  },
  'unknown-id': (id) => {
    line(answer(123_456))
    line(answer('text'))
    line(answer(id))
  },
  'duplicate-members': (id) => write(`{"jsonrpc":"2.0","id":${id},"result":{},"result":{"evil":true}}\n`),
  batch: (id) => write(`[${JSON.stringify(answer(id))}]\n`),
  'dies-on-call': () => {
    write('fatal: out of cheese\n', 2)
    process.exit(7)
  },
  'killed-on-call': () => process.kill(process.pid, 'SIGKILL'),
  'answers-and-dies': (id) => {
    line(answer(id, 'last words'))
    process.exit(0)
  },
  'slow-drip': (id) => {
    for (const char of `${JSON.stringify(answer(id))}\n`) {
      write(char)
      Bun.sleepSync(2)
    }
  },
  'hangs-on-call': () => undefined,
  'asks-back': (id) => {
    line({ jsonrpc: '2.0', id: 's1', method: 'sampling/createMessage', params: {} })
    line(answer(id))
  },
  'echo-env': (id) => line({ jsonrpc: '2.0', id, result: { env: { ...process.env } } }),
  'echo-argv': (id) =>
    line({ jsonrpc: '2.0', id, result: { argv: process.argv.slice(3), cwd: process.cwd() } }),
}

interface Request {
  id?: unknown
  method?: string
  params?: { name?: string; protocolVersion?: string; arguments?: { text?: string } }
}

function handle({ id, method, params }: Request): void {
  if (id === undefined || method === undefined) return
  if (method === 'initialize') {
    if (mode === 'hangs-on-initialize') return
    const capabilities = { tools: {} }
    const serverInfo = { name: 'evil', version: '1' }
    return line({
      jsonrpc: '2.0',
      id,
      result: { protocolVersion: params?.protocolVersion ?? '2025-11-25', capabilities, serverInfo },
    })
  }
  if (method === 'tools/list') {
    const tools = [{ name: 'go', inputSchema: { type: 'object' } }]
    return line({ jsonrpc: '2.0', id, result: { tools } })
  }
  const act = params?.name === 'go' ? atGo[mode] : undefined
  if (act) act(id)
  else line(answer(id, params?.arguments?.text))
}

atStart[mode]?.()
const decoder = new TextDecoder()
const chunk = new Uint8Array(64 * 1024)
for (let text = ''; ; ) {
  const count = readSync(0, chunk)
  if (count === 0) break
  text += decoder.decode(chunk.subarray(0, count), { stream: true })
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
    const request = text.slice(0, end)
    text = text.slice(end + 1)
    handle(JSON.parse(request) as Request)
  }
}
