// Says what it was given: its arguments and its environment.
import { createInterface } from 'node:readline'
import { givenAnswer } from './given-answers'

for await (const line of createInterface({ input: process.stdin })) {
  const reply = givenAnswer(line, { args: process.argv.slice(2), env: process.env })
  if (reply) process.stdout.write(`${reply}\n`)
}
