import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createGivenUpCalls } from '../../gateway/upstream/given-up-calls'
import { createInbound, type InboundEvents } from '../../gateway/upstream/inbound'
import { createPendingCalls, pauseCall, type PendingCall } from '../../gateway/upstream/pending-calls'
import { scanMessage } from '../../gateway/wire/scan'
import { testExchange } from '../support/era-connection'
import { settingsWith } from '../support/policy-data'

const SECOND = 1000

test('[threat.13] [mcp.cancellation] a call given up counts until it is answered, or for as long again as it took', () => {
  const calls = createGivenUpCalls()
  const isOpen = () => calls.mayBeOfOthers('other')
  for (const [took, counts] of [
    [1, 5 * SECOND],
    [60 * SECOND, 60 * SECOND],
    [600 * SECOND, 120 * SECOND],
  ] as const) {
    calls.add({ id: 1, conversation: 'own', startedAt: 1000 }, 1000 + took)
    calls.sweep(1000 + took + counts - 1)
    expect(isOpen()).toBe(true)
    calls.sweep(1000 + took + counts)
    expect(isOpen()).toBe(false)
  }
  calls.add({ id: 2, conversation: 'own', startedAt: 0 }, 1)
  // An error may only be how the server says that it heard of the end.
  expect([calls.answered(2, true), isOpen()]).toEqual([true, true])
  expect([calls.answered(2, false), calls.answered(2, false), calls.answered(3, true)]).toEqual([
    true,
    false,
    false,
  ])
  expect(isOpen()).toBe(false)
})

const step = fc.record({
  id: fc.nat(30),
  conversation: fc.constantFrom('a', 'b', null),
  answered: fc.boolean(),
})
test('[threat.13] [mcp.progress] a call given up that still makes progress is not over', () => {
  const calls = createGivenUpCalls()
  calls.add({ id: 1, conversation: 'own', startedAt: 0 }, 1)
  expect([calls.goesOn(1, 4 * SECOND), calls.goesOn(2, 4 * SECOND)]).toEqual([true, false])
  calls.sweep(9 * SECOND - 1)
  expect(calls.mayBeOfOthers('other')).toBe(true)
  calls.sweep(9 * SECOND)
  expect(calls.mayBeOfOthers('other')).toBe(false)
})

test('[threat.13] what may be of others is what a plain list of calls says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const calls = createGivenUpCalls()
      const model = new Map<number, string | null>()
      for (const { id, conversation, answered } of steps) {
        if (answered) expect(calls.answered(id, false)).toBe(model.delete(id))
        else if (!model.has(id)) {
          calls.add({ id, conversation, startedAt: 0 }, 0)
          model.set(id, conversation)
        }
        for (const asked of ['a', 'b', 'c', null])
          expect(calls.mayBeOfOthers(asked)).toBe(
            [...model.values()].some((other) => other === null || other !== asked),
          )
      }
    }),
  )
})

test('[threat.13] [limits] of more than can be kept in mind it is known that they are there, until their time is over', () => {
  const calls = createGivenUpCalls()
  const most = 4096
  for (let id = 0; id < most; id++) calls.add({ id, conversation: 'own', startedAt: 0 }, 0)
  expect(calls.mayBeOfOthers('own')).toBe(false)
  calls.add({ id: most, conversation: 'own', startedAt: 0 }, 1)
  for (let id = 0; id <= most; id++) calls.answered(id, false)
  calls.sweep(5 * SECOND)
  expect(calls.mayBeOfOthers('own')).toBe(true)
  calls.sweep(1 + 5 * SECOND)
  expect(calls.mayBeOfOthers('own')).toBe(false)
})

const call = (id: number): PendingCall => ({
  ...{ id, method: 'tools/call', exchange: testExchange('legacy', { conversation: 'own' }) },
  ...{ startedAt: 0, activeAt: 0, progress: null, idleTimeout: 1e9, totalTimeout: 30 * SECOND },
  ...{ asking: 0, pausedAt: 0, resolve: () => undefined, reject: () => undefined },
})

test('[threat.13] [mcp.progress] a step of a call given up is such a sign, and an error none of its end', () => {
  const clock = { now: 0, monotonic: () => clock.now, sleep: () => Promise.resolve() }
  const pending = createPendingCalls()
  pending.add(call(1))
  pending.giveUp(1, 0)
  const strays: string[] = []
  const others: boolean[] = []
  const events: InboundEvents = {
    listChanged: () => undefined,
    resourceUpdated: () => undefined,
    taskChanged: () => undefined,
    toConversation: () => undefined,
    unsolicited: (_message, _level, mayBeFor) => void others.push(mayBeFor('other')),
  }
  const inbound = createInbound({
    ...{ pending, events, runtime: clock, settled: () => true },
    settings: settingsWith(),
    log: (_source, line) => void strays.push(line),
    onPlace: () => undefined,
    send: () => undefined,
  })
  const hear = (text: string) => inbound.receive(scanMessage(new TextEncoder().encode(text)), null)
  const log = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}'
  clock.now = 4 * SECOND
  hear('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}')
  hear('{"jsonrpc":"2.0","id":1,"error":{"code":0,"message":"Request cancelled"}}')
  pending.expire(8 * SECOND)
  hear(log)
  hear('{"jsonrpc":"2.0","id":1,"result":{}}')
  hear(log)
  expect([others, strays]).toEqual([[false, true], []])
})

test('[threat.13] [limits] the time a person is asked is no time a call was waited for, also when it is asked twice at once', () => {
  const clock = { now: 0, monotonic: () => clock.now }
  const pending = createPendingCalls()
  const [asked, answered] = [call(1), call(2)]
  for (const one of [asked, answered]) pending.add(one)
  clock.now = 10 * SECOND
  pauseCall(asked, clock, () => undefined)
  const first = pauseCall(answered, clock, () => undefined)
  clock.now = 100 * SECOND
  const second = pauseCall(answered, clock, () => undefined)
  first()
  clock.now = 200 * SECOND
  second()
  // Both were waited for during ten seconds.
  clock.now += 20 * SECOND - 1
  expect(pending.expire(clock.now)).toEqual([])
  clock.now += 1
  expect(pending.expire(clock.now)).toEqual([answered])
  expect(pending.givenUp.answered(answered.id, false)).toBe(true)
  pending.giveUp(asked.id, clock.now)
  pending.givenUp.sweep(clock.now + 10 * SECOND - 1)
  expect(pending.givenUp.mayBeOfOthers('other')).toBe(true)
  pending.givenUp.sweep(clock.now + 10 * SECOND)
  expect(pending.givenUp.mayBeOfOthers('other')).toBe(false)
})
