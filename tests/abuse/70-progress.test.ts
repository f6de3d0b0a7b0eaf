// A server may report progress as often as it likes; its client hears of it twenty times a second.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { createProgressGate } from '../../gateway/upstream/progress-gate'
import { type Daemon, repository, startDaemon } from '../support/daemon'
import { mcpHeaders } from '../support/raw-client'
import { openCaller, type Caller } from '../support/scripted'
import { readEvents } from '../support/sse-reader'

let daemon: Daemon
let key: string
let caller: Caller

beforeAll(async () => {
  daemon = await startDaemon()
  const program = join(repository, 'tests/servers/edges-stdio.ts')
  await daemon.ok('add', 'edges', '--yes', '--', process.execPath, program)
  key = (await daemon.ok('key', 'create', 'one')).trim()
  caller = await openCaller(daemon, key)
})
afterAll(() => daemon[Symbol.asyncDispose]())

/** The steps of one call in the order they came, and the text of its answer. */
async function stepsOf(tool: string, given: object): Promise<{ steps: number[]; answer: unknown }> {
  const params = { name: `edges_${tool}`, arguments: given, _meta: { progressToken: 'p' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'c', method: 'tools/call', params })
  const headers = { ...mcpHeaders(key), 'Mcp-Session-Id': caller.id }
  const stream = readEvents(await fetch(daemon.mcpUrl, { method: 'POST', headers, body }))
  await stream.finished
  const messages = stream.messages()
  const steps = messages.slice(0, -1).map(({ params }) => (params as { progress: number }).progress)
  return { steps, answer: messages.at(-1) }
}

test('[threat.70] of 5000 steps at once the first and the newest arrive, the last before the answer', async () => {
  const { steps, answer } = await stepsOf('burst', { count: 5000 })
  expect(answer).toMatchObject({ id: 'c', result: { content: [{ text: '5000 steps' }] } })
  expect(steps.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  expect(steps.at(-1)).toBe(5000)
  expect(steps.length).toBeLessThan(200)
  expect(steps).toEqual([...steps].sort((a, b) => a - b))
})

test('[threat.70] a stream of a thousand steps a second is thinned, in order, and ends with its last step', async () => {
  const started = performance.now()
  const { steps } = await stepsOf('drip', { count: 1000, ms: 1 })
  const seconds = (performance.now() - started) / 1000
  expect(steps.at(-1)).toBe(1000)
  expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b))
  expect(steps.length).toBeLessThanOrEqual(22 + 20 * seconds)
})

test('[mcp.progress] of a stream of steps that keeps to the rate every one arrives, in order', async () => {
  const { steps } = await stepsOf('drip', { count: 30, ms: 55 })
  expect(steps).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
})

test('[threat.70] a step that waits is sent at its turn when no other follows', async () => {
  const seen: number[] = []
  let at = 0
  const turns: { when: number; go: () => void }[] = []
  const gate = createProgressGate<number>(
    {
      monotonic: () => at,
      sleep: (ms) => new Promise((resolve) => void turns.push({ when: at + ms, go: resolve })),
    },
    (step) => seen.push(step),
  )
  for (let step = 1; step <= 100; step++) gate.offer(step)
  expect(seen.at(-1)).toBe(20)
  expect(turns.map(({ when }) => when)).toEqual([50])
  at = 50
  turns[0]?.go()
  await Promise.resolve()
  await Promise.resolve()
  expect(seen.slice(-2)).toEqual([20, 100])
  gate.offer(101)
  gate.flush()
  gate.flush()
  expect(seen.slice(-2)).toEqual([100, 101])
  at = 10_000
  gate.offer(102)
  expect(seen.at(-1)).toBe(102)
})
