import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createGivenUpCalls } from '../../gateway/upstream/given-up-calls'

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
