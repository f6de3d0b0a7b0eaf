// `rawAnswer` on stdio.
import { rawAnswer } from './raw-answers'

const decoder = new TextDecoder()
let rest = ''

for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true })
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const reply = rawAnswer(rest.slice(0, end))
    rest = rest.slice(end + 1)
    if (reply) process.stdout.write(`${reply}\n`)
  }
}
