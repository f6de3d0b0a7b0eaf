import { expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { createBackoff } from '../../gateway/upstream/backoff'
import { createConversations } from '../../gateway/upstream/conversations'
import { createFailures } from '../../gateway/upstream/failures'
import { createSlots } from '../../gateway/upstream/slots'
import { createSubscriptions } from '../../gateway/upstream/subscriptions'
import { createUsage } from '../../gateway/upstream/usage'

const patient = { signal: new AbortController().signal }
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error)
  }
}

test('[limits] places go to those who wait, in order; who gives up leaves the line, a raised limit lets all in', async () => {
  let limit = 1
  const slots = createSlots(
    () => limit,
    () => 3,
  )
  const admitted: string[] = []
  expect(slots.acquire(patient)).toBeUndefined()
  const impatient = new AbortController()
  const left = Promise.resolve(slots.acquire(impatient)).catch((error: GatewayError) => error.code)
  const waiting = ['a', 'b'].map((name) =>
    Promise.resolve(slots.acquire(patient)).then(() => admitted.push(name)),
  )
  expect(codeOf(() => slots.acquire(patient))).toBe('upstream.busy')
  impatient.abort()
  expect(await left).toBe('rpc.cancelled')
  const gone = Promise.resolve(slots.acquire(impatient)).catch((error: GatewayError) => error.code)
  expect(await gone).toBe('rpc.cancelled')
  limit = 5
  const newcomer = Promise.resolve(slots.acquire(patient)).then(() => admitted.push('newcomer'))
  slots.release()
  await Promise.all([...waiting, newcomer])
  expect(admitted).toEqual(['a', 'b', 'newcomer'])
  limit = 3
  const last = slots.acquire(patient)
  expect(last).toBeInstanceOf(Promise)
  for (const _ of admitted) slots.release()
  await last
  limit = 1
  slots.release()
  expect(slots.acquire(patient)).toBeUndefined()
})

test('[mcp.resources] a conversation that ends while it subscribes leaves nothing behind', () => {
  const subscriptions = createSubscriptions()
  subscriptions.begin('x:1', 'gone')
  expect(subscriptions.listeners('x:1')).toEqual(['gone'])
  expect(subscriptions.release('gone')).toEqual([])
  subscriptions.settle('x:1', 'gone', true)
  expect([subscriptions.size, subscriptions.listeners('x:1')]).toEqual([0, []])
})

test('[mcp.resources] the last to leave is not the last while another one is on its way', () => {
  const subscriptions = createSubscriptions()
  subscriptions.put('x:1', 'one')
  subscriptions.begin('x:1', 'two')
  expect(subscriptions.remove('x:1', 'one')).toBe(false)
  subscriptions.settle('x:1', 'two', true)
  expect(subscriptions.listeners('x:1')).toEqual(['two'])
  expect(subscriptions.release('two')).toEqual(['x:1'])
})

test('[threat.50] a pause after a failure lasts as long as it should when the clock is set back', () => {
  const time = { clock: 1_000_000, steady: 0 }
  const runtime = { now: () => time.clock, monotonic: () => time.steady, random: () => 0.999_999 }
  const failures = createFailures(runtime, createBackoff(runtime))
  failures.record(new GatewayError('upstream.lost', 'once'))
  expect(failures.wait()).toBe(500)
  time.clock -= 3_600_000
  time.steady += 499
  expect(failures.wait()).toBe(1)
  time.steady += 1
  expect(failures.wait()).toBe(0)
  expect(failures.state()).toMatchObject({ status: 'failed', code: 'upstream.lost' })
  failures.recovered()
  expect(failures.state()).toBeNull()
})

test('[process] conversations that have been quiet are forgotten by the servers they called', () => {
  const usage = createUsage()
  const here = createConversations(usage)
  const there = createConversations(usage)
  here.called('one', 10)
  here.called('two', 10)
  there.called('two', 50)
  expect(here.activeSince(20)).toEqual(['two'])
  here.release('two')
  expect(here.activeSince(0)).toEqual([])
  expect(there.activeSince(20)).toEqual(['two'])
})
