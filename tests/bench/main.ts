// `npm run bench -- [--only PART] [--soak] [NAME=URL|TOOL …]`: the compiled binary beside the least a gateway can do,
// round by round on the same machine. Prints one table with the targets; a missed one is shown and fails nothing.
import { existsSync } from 'node:fs'
import { binary } from '../support/daemon'
import { callRows, httpRows } from './calls'
import { type Row, table } from './figures'
import { growthRows } from './growth'
import { listRows } from './lists'
import { memoryRows } from './memory'
import { startupRows } from './startup'
import type { Target } from './target'

const usage = `usage: npm run bench -- [--only PART]… [--soak] [NAME=URL|TOOL]…
  PART  stdio, http, list, growth, startup or memory
  NAME=URL|TOOL  another gateway with an echo server behind it, and its name for the echo tool
  --soak  a million calls more in the memory part`

class UsageError extends Error {}

function peer(text: string): Target {
  const { name, url, tool } = /^(?<name>[^=]+)=(?<url>https?:[^|]+)\|(?<tool>.+)$/.exec(text)?.groups ?? {}
  if (!name || !url || !tool) throw new UsageError(`not NAME=URL|TOOL: ${text}`)
  return { name, url: new URL(url), headers: {}, tool }
}

function readArguments(args: string[]) {
  const only: string[] = []
  const peers: Target[] = []
  let soak = false
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    if (arg === '--soak') soak = true
    else if (arg === '--only') only.push(args.shift() ?? '')
    else peers.push(peer(arg))
  }
  return { only, peers, soak }
}

async function main(): Promise<void> {
  const { only, peers, soak } = readArguments(process.argv.slice(2))
  const parts: Record<string, () => Promise<Row[]>> = {
    stdio: () => callRows(peers),
    http: httpRows,
    list: listRows,
    startup: startupRows,
    memory: () => memoryRows(soak),
    growth: growthRows,
  }
  const unknown = only.find((name) => !(name in parts))
  if (unknown !== undefined) throw new UsageError(`no such part: ${unknown}`)
  if (!existsSync(binary)) throw new UsageError('dist/mcpmux is missing: npm run build')

  const rows: Row[] = []
  for (const [name, run] of Object.entries(parts)) {
    if (only.length > 0 && !only.includes(name)) continue
    const started = performance.now()
    rows.push(...(await run()))
    console.error(`${name} took ${((performance.now() - started) / 1000).toFixed(1)} s`)
  }
  console.log(table(rows))
}

try {
  await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`${error.message}\n\n${usage}`)
  process.exitCode = 2
}
