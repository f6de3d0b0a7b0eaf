// `node scripts/run.mjs FILE …`: a TypeScript program of ours, with everything it needs installed first.
import { Stop, main, run } from './lib/process.mjs'
import { ensureToolchain, toolEnvironment } from './lib/toolchain.mjs'

await main(async () => {
  const [file, ...args] = process.argv.slice(2)
  if (!file) throw new Stop('usage: node scripts/run.mjs FILE [arguments …]')
  const bun = await ensureToolchain()
  return run(bun, [file, ...args], { env: toolEnvironment() })
})
