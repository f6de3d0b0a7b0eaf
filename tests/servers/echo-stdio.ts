// `bun echo-stdio.ts [TOOLS]`: an MCP server without SDK, line in, line out; TOOLS says how many tools it offers.
import { echoAnswer, manyTools } from './echo-answers'

const tools = manyTools(Number(process.argv[2] ?? 1))
const out = Bun.stdout.writer()
const decoder = new TextDecoder()
let rest = ''

for await (const chunk of Bun.stdin.stream()) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) {
    const answer = echoAnswer(line, tools)
    if (answer !== null) void out.write(`${answer}\n`)
  }
  await out.flush()
}
