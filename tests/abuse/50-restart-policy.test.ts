import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { systemRuntime } from '../../gateway/runtime'
import { createBackoff } from '../../gateway/upstream/backoff'
import { createStartGate } from '../../gateway/upstream/start-gate'

/** A clock and dice in the test's hand. */
function world(random = 0.5) {
  const state = { at: 1_000_000, random }
  const backoff = createBackoff({ monotonic: () => state.at, random: () => state.random })
  return { state, backoff }
}

test('[threat.50] a server that always exits is started at most twelve times in three minutes, whatever the dice say', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (dice) => {
        let at = 0
        let spawns = 0
        const backoff = createBackoff({ monotonic: () => at, random: () => dice[spawns % dice.length] ?? 0 })
        while (at <= 180_000) {
          spawns++
          at += 50
          at = Math.max(at, backoff.failed())
        }
        expect(spawns).toBeLessThanOrEqual(12)
        expect(backoff.isOpen()).toBe(true)
      },
    ),
  )
})

test('[threat.50] delays grow from half a second to a minute, with full jitter', () => {
  const most = world(0.999_999)
  const delays = [1, 2, 3, 4].map(() => {
    const delay = most.backoff.failed() - most.state.at
    most.state.at += 100_000
    return delay
  })
  expect(delays).toEqual([500, 1000, 2000, 4000])
  const least = world(0)
  expect(least.backoff.failed()).toBe(least.state.at)
  expect(least.backoff.retryAt()).toBeNull()
  const patient = world(0.999_999)
  for (let n = 0; n < 12; n++) {
    patient.state.at += 200_000
    expect(patient.backoff.failed() - patient.state.at).toBeLessThanOrEqual(60_000)
  }
  expect(patient.backoff.isOpen()).toBe(false)
})

test('[threat.50] five failures in two minutes open the circuit, probes go one by one, thirty good seconds close it', () => {
  const { state, backoff } = world()
  for (let n = 0; n < 5; n++) {
    expect(backoff.isOpen()).toBe(false)
    state.at = backoff.failed()
  }
  expect(backoff.isOpen()).toBe(true)
  // A probe that starts but soon dies leaves it open, also when failures have become rare.
  for (let n = 0; n < 4; n++) {
    backoff.ready()
    state.at += 29_000
    const next = backoff.failed()
    expect(next - state.at).toBeGreaterThanOrEqual(30_000)
    expect(backoff.retryAt()).toBe(next)
    state.at = next
    expect(backoff.retryAt()).toBeNull()
  }
  backoff.ready()
  state.at += 30_000
  expect(backoff.isOpen()).toBe(false)
  expect(backoff.failed() - state.at).toBeLessThanOrEqual(500)
})

test('[threat.50] a person who says retry now starts over', () => {
  const { state, backoff } = world()
  for (let n = 0; n < 5; n++) backoff.failed()
  expect(backoff.retryAt()).not.toBeNull()
  backoff.reset()
  expect(backoff.retryAt()).toBeNull()
  expect(backoff.isOpen()).toBe(false)
  expect(backoff.failed() - state.at).toBeLessThanOrEqual(500)
})

test('[threat.50] of fifty servers at most four start at the same time, and all do start', async () => {
  const gate = createStartGate(() => 4, systemRuntime)
  let now = 0
  let peak = 0
  const start = () =>
    gate.run(async () => {
      peak = Math.max(peak, ++now)
      const child = Bun.spawn(['/bin/true'], { env: {} })
      await child.exited
      now--
      return child.pid
    })
  const pids = await Promise.all(Array.from({ length: 50 }, start))
  expect(new Set(pids).size).toBe(50)
  expect(peak).toBe(4)
  expect(gate.waiting()).toBe(0)
})

test('[threat.50] a start that fails frees its place, one that is given up leaves the queue, a raised limit acts at once', async () => {
  let limit = 1
  const gate = createStartGate(() => limit, systemRuntime)
  let free = () => {}
  const first = gate.run(() => new Promise<void>((resolve) => (free = resolve)))
  const impatient = new AbortController()
  const givenUp = gate.run(async () => 'never', impatient.signal)
  const failing = gate.run(() => Promise.reject(new Error('no start')))
  expect(gate.waiting()).toBe(2)
  impatient.abort(new Error('gave up'))
  expect(await givenUp.catch((error: Error) => error.message)).toBe('gave up')
  limit = 3
  expect(await gate.run(async () => 'second')).toBe('second')
  expect(await failing.catch((error: Error) => error.message)).toBe('no start')
  free()
  await first
  expect(await gate.run(async () => 'third')).toBe('third')
  const late = gate.run(async () => 'never', impatient.signal)
  expect(await late.catch((error: Error) => error.message)).toBe('gave up')
})
