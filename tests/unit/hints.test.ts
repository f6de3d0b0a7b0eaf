import { expect, test } from 'bun:test'
import { readHints } from '../../gateway/domain/hints'

const of = (annotations: unknown) => readHints(JSON.stringify({ name: 'a', annotations }))
const unstated = { readOnly: false, destructive: true, idempotent: false, openWorld: true }

test('[sets] a tool that states one hint has the others as the specification says', () => {
  expect(of({ readOnlyHint: true })).toEqual({ ...unstated, readOnly: true })
  expect(of({ destructiveHint: false })).toEqual({ ...unstated, destructive: false })
  expect(of({ idempotentHint: true })).toEqual({ ...unstated, idempotent: true })
  expect(of({ openWorldHint: false, title: 'x' })).toEqual({ ...unstated, openWorld: false })
  expect(of({ readOnlyHint: false })).toEqual(unstated)
})

test('[sets] a tool that states no hint has none', () => {
  for (const annotations of [undefined, null, {}, { title: 'x' }, 'readOnlyHint', [true], { readOnly: true }])
    expect([annotations, of(annotations)]).toEqual([annotations, null])
  for (const value of ['true', 1, null, {}, [true]])
    expect([value, of({ readOnlyHint: value, destructiveHint: value })]).toEqual([value, null])
  for (const text of ['', '{', '[]', 'null', '"annotations"', '{"readOnlyHint":true}'])
    expect([text, readHints(text)]).toEqual([text, null])
  // The last of two counts, as it does for whoever parses the list, and a name of every object is no statement.
  expect(readHints('{"annotations":{"readOnlyHint":true},"annotations":{}}')).toBeNull()
  expect(readHints('{"annotations":{"__proto__":{"readOnlyHint":true}}}')).toBeNull()
})
