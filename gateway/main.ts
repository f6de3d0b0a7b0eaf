import { safe } from './cli/output'
import { run } from './cli/run'
import { takeUncaught } from './cli/uncaught'

// One line; a stack would show the program's own text.
takeUncaught((error) => {
  const message = error instanceof Error ? error.message : 'unknown'
  process.stderr.write(`mcpmux: internal error: ${safe(message)} (internal)\n`)
  process.exitCode = 1
})

process.exitCode = await run(process.argv.slice(2))
