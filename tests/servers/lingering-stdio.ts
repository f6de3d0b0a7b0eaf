// `lingering` on stdio.
import { decodeUtf8 } from '../../gateway/wire/text'
import { createLingering, type Message } from './lingering'

const write = (message: object) =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const take = createLingering({ answer: write, say: write })

let rest = ''
for await (const chunk of Bun.stdin.stream()) {
  const lines = (rest + decodeUtf8(chunk)).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) take(JSON.parse(line) as Message)
}
