// `npm run check`: the fast part of `npm test`, for while you work.
import { checks } from './lib/checks.mjs'

let failed = 0
for (const { title, command, args } of checks) {
  const child = Bun.spawn([command, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  const passed = (await child.exited) === 0
  if (!passed) failed += 1
  process.stderr.write(`${passed ? 'ok  ' : 'FAIL'} ${title}\n`)
}
process.exit(failed === 0 ? 0 : 1)
