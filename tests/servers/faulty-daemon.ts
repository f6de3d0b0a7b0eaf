// The gateway with mistakes in it that nobody catches: on SIGUSR2 a promise is broken and a timer throws.
import { run } from '../../gateway/cli/run'

process.on('SIGUSR2', () => {
  void Promise.reject(new Error('a promise nobody waited for\n    at secret (/home/someone/secret.ts:1:1)'))
  setTimeout(() => {
    throw new TypeError('thrown in a timer')
  }, 1)
})
process.exitCode = await run(process.argv.slice(2))
