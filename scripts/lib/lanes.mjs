// Work side by side: what is waiting, and what only wants one core, does not hold up the rest.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { root } from './process.mjs'

// Most of a test's time is waiting, for processes to start and for time-outs to pass; so two for each core. More than
// eight would mostly make each other late.
const MOST = 8

/** How many jobs run at the same time on this machine. */
export const laneCount = () => Math.min(MOST, 2 * availableParallelism())

/** Runs the jobs in their order, at most `lanes` at a time. A job does not throw. */
export async function runInLanes(lanes, jobs) {
  const waiting = [...jobs]
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job()
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/**
 * Runs a program whose output is kept back, so that it can be shown in one piece: `{ how, output, errors }`, how being
 * null for exit code 0, else how it ended, and errors what of the output went to stderr. Killed after `limit` ms.
 */
export function runHeldBack(command, args, { env, limit }) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, limit)
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk) => {
        output += chunk
        if (stream === child.stderr) errors += chunk
      })
    const end = (how) => {
      clearTimeout(timer)
      done({ how, output, errors })
    }
    child.on('error', (error) => end(`it could not be started: ${error.message}`))
    child.on('close', (code, signal) => {
      if (late) end(`it was not over after ${Math.ceil(limit / 60_000)} minutes and was stopped`)
      else if (signal) end(`it ended by ${signal}`)
      else end(code === 0 ? null : `it ended with code ${code}`)
    })
  })
}
