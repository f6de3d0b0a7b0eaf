// Runs `bun test` and counts.
import { spawn } from 'node:child_process'
import { root } from './process.mjs'

const TEST_MS = 30_000
const ALL_MS = 30 * 60_000

const colours = /\x1b\[[0-9;]*m/g
const count = (text, word) => Number(new RegExp(`^ *(\\d+) ${word}s?$`, 'm').exec(text)?.[1] ?? 0)

/** `{ passed, failed, skipped }` of all tests, their output shown as it comes. */
export function runTests(bun, environment, args) {
  return new Promise((done) => {
    const child = spawn(bun, ['test', `--timeout=${TEST_MS}`, ...args], {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const limit = setTimeout(() => {
      process.stderr.write(`The tests did not end within ${ALL_MS / 60_000} minutes and were stopped.\n`)
      child.kill('SIGKILL')
    }, ALL_MS)
    let tail = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk) => {
        process.stderr.write(chunk)
        tail = (tail + chunk).slice(-64 * 1024)
      })
    child.on('close', (code) => {
      clearTimeout(limit)
      // The summary is the last thing printed; a test's own output may look like it.
      const text = tail.replace(colours, '')
      const summary = text.slice(Math.max(0, text.search(/^ *\d+ pass$(?![\s\S]*^ *\d+ pass$)/m)))
      const failed = count(summary, 'fail') + count(summary, 'error')
      const skipped = count(summary, 'skip') + count(summary, 'todo')
      done({ passed: count(summary, 'pass'), failed: failed || (code === 0 ? 0 : 1), skipped })
    })
  })
}
