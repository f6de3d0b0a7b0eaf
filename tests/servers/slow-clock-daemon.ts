// The gateway in a world where a second that nobody can set takes twenty: what is bounded by it is not over yet.
import { run } from '../../gateway/cli/run'

const { performance } = globalThis
const now = performance.now.bind(performance)
performance.now = () => now() / 20
process.exitCode = await run(process.argv.slice(2))
