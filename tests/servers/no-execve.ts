// The command line on a system that cannot put a process in place of itself.
import { run } from '../../gateway/cli/run'

Object.defineProperty(process, 'execve', { value: undefined })
process.exitCode = await run(process.argv.slice(2))
