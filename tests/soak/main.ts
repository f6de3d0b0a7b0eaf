// `npm run soak -- [--minutes N] [--cases N] [--kills N] [--only PART]… [--seed N] [--write FILE]`: what takes too long
// for every change. By itself it writes nothing but one table.
import { existsSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { binary } from '../support/daemon'
import { killNine } from '../support/kill-nine'
import { soakCalls } from './calls'
import { soakFuzz } from './fuzz'
import { callRows, fuzzRows, killRows, markdown, type SoakRow } from './rows'

const usage = `usage: npm run soak -- [options]
  --minutes N   how long calls are made at least; default 20. From 15 on: 5 million calls, 500 reconnects, 200 crashes
                of servers; below that, so much less
  --cases N     random cases altogether; default 10000000
  --kills N     rounds of kill -9; default 250, each fifth over 20 stubborn trees
  --only PART   calls, kills or fuzz
  --seed N      of the random cases; default a new one, printed
  --write FILE  writes the table as a document`

class UsageError extends Error {}

function readArguments(args: string[]) {
  const options = { minutes: 20, cases: 10_000_000, kills: 250, seed: Date.now() % 2 ** 31 }
  const only: string[] = []
  let write: string | null = null
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    const value = args.shift() ?? ''
    const name = arg.slice(2)
    if (arg === '--only' && ['calls', 'kills', 'fuzz'].includes(value)) only.push(value)
    else if (arg === '--write' && value !== '') write = value
    else if (arg.startsWith('--') && isOption(name) && /^\d+(\.\d+)?$/.test(value))
      options[name] = Number(value)
    else throw new UsageError(`not understood: ${arg} ${value}`)
  }
  return { ...options, only, write }
}

const isOption = (name: string): name is 'minutes' | 'cases' | 'kills' | 'seed' =>
  ['minutes', 'cases', 'kills', 'seed'].includes(name)

const say = (line: string) => console.error(line)

async function main(): Promise<boolean> {
  const { minutes, cases, kills, seed, only, write } = readArguments(process.argv.slice(2))
  if (!existsSync(binary)) throw new UsageError('dist/mcpmux is missing: npm run build')
  say(`seed ${seed}`)
  const wants = (part: string) => only.length === 0 || only.includes(part)
  const rows: SoakRow[] = []
  if (wants('calls')) {
    const share = Math.min(1, minutes / 15)
    const wanted = {
      minutes,
      calls: Math.round(5_000_000 * share),
      reconnects: Math.round(500 * share),
      crashes: Math.round(200 * share),
    }
    rows.push(...callRows(await soakCalls(wanted, say), wanted))
  }
  if (wants('kills')) {
    const plants = (cycle: number) => cycle % 5 === 4
    rows.push(...killRows(await killNine({ cycles: kills, trees: 20, plants, patience: 60_000 }), kills))
  }
  if (wants('fuzz')) rows.push(...fuzzRows(await soakFuzz(cases, seed, say), seed))
  const document = markdown(rows)
  console.log(document)
  if (write !== null) {
    const [cpu] = cpus()
    const machine = `${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux`
    const command = ['npm run soak --', ...process.argv.slice(2)].join(' ')
    await Bun.write(write, `${preamble(command, machine)}\n${document}\n`)
  }
  return rows.every(({ ok }) => ok !== false)
}

const preamble = (command: string, machine: string) => `# Soak run

What \`npm run soak\` measured last: calls without end while clients reconnect and servers are killed, kill -9 of the
gateway under writes and over process trees that refuse to end, and random cases for the parsers, the policy and the
open door. It is run by hand before a release and is no part of \`npm test\`.

\`${command}\` on ${new Date().toISOString().slice(0, 10)}, ${machine}.
`

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n\n${usage}`)
  process.exitCode = 2
}
