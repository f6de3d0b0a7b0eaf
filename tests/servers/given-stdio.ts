// Says what it was given: its arguments and its environment; with LOUD set, on stderr too.
import { createInterface } from 'node:readline'
import { givenAnswer } from './given-answers'

if (process.env.LOUD)
  for (const [name, value = ''] of Object.entries(process.env))
    process.stderr.write(`${name} is ${value}\n${value.split(/[ :@]/).join('\n')}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const reply = givenAnswer(line, { args: process.argv.slice(2), env: process.env })
  if (reply) process.stdout.write(`${reply}\n`)
}
