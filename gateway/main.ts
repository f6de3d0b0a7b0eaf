import { run } from './cli/run'

// What nobody caught is told in one line; a stack would show the program's own text.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    process.stderr.write(
      `mcpmux: internal error: ${error instanceof Error ? error.message : 'unknown'} (internal)\n`,
    )
    process.exitCode = 1
  })

process.exitCode = await run(process.argv.slice(2))
