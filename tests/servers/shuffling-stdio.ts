// `shuffling` on stdio.
import { createShuffler, type Message } from './shuffling'

const take = createShuffler()
const decoder = new TextDecoder()
let rest = ''

const say = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true })
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const line = rest.slice(0, end)
    rest = rest.slice(end + 1)
    take(JSON.parse(line) as Message, say)
  }
}
