// What counts as a change of a definition, and how grave it is: pure, against the definition in words.
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { hidesText, withHiddenShown } from '../../gateway/domain/hidden-text'
import { isWithheld, type PinReason } from '../../gateway/domain/pins'
import { compare, digestOf } from '../../gateway/pins/compare'
import { differences } from '../../gateway/pins/difference'
import { canonical, parseJson } from '../../gateway/pins/json'
import { respell } from '../support/json-spelling'

const definition = fc.jsonValue({ maxDepth: 4 }).map((more) => ({ name: 'echo', _meta: more }))

test('[threat.43] another order, another spacing and other escapes are the same definition', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, shuffled(member)]),
    )
  }
  fc.assert(
    fc.property(definition, fc.infiniteStream(fc.nat(99)), (value, numbers) => {
      const pick = () => numbers.next().value ?? 0
      const text = JSON.stringify(value)
      const other = respell(shuffled(value), pick)
      expect(digestOf('tool', other)).toBe(digestOf('tool', text))
      expect(compare('tool', text, other)).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('[threat.43] every value that is another one is a change', () => {
  fc.assert(
    fc.property(definition, definition, (one, other) => {
      const same = Bun.deepEquals(one, other, true)
      const texts = [JSON.stringify(one), JSON.stringify(other)] as const
      // -0 is written as 0.
      fc.pre(same === Bun.deepEquals(JSON.parse(texts[0]), JSON.parse(texts[1]), true))
      expect(digestOf('tool', texts[0]) === digestOf('tool', texts[1])).toBe(same)
      expect(compare('tool', texts[0], texts[1]).length === 0).toBe(same)
    }),
    { numRuns: 300 },
  )
})

test('[threat.43] one changed byte of any string or number is a change, and is shown', () => {
  const text = '{"name":"echo","description":"Says it","inputSchema":{"maxLength":10,"enum":["a","b"]}}'
  for (const [at, byte] of [...text].entries()) {
    if (!/[a-zA-Z0-9]/.test(byte)) continue
    const other = text.slice(0, at) + (byte === '1' ? '2' : byte === 'z' ? 'y' : '1') + text.slice(at + 1)
    expect([other, compare('tool', text, other).length > 0]).toEqual([other, true])
    const shown = differences({ kind: 'tool', accepted: text, current: other })
    expect([other, shown.length > 0 && shown.every(({ lines }) => lines.length > 0)]).toEqual([other, true])
  }
})

test('[threat.43] what JSON.parse would lose is a change: digits, and a name that comes twice', () => {
  for (const [before, after] of [
    ['{"n":9007199254740993}', '{"n":9007199254740992}'],
    ['{"n":1e400}', '{"n":1e500}'],
    ['{"description":"a"}', '{"description":"evil","description":"a"}'],
    ['{"description":"a","description":"b"}', '{"description":"b","description":"a"}'],
  ] as const) {
    expect([before, compare('tool', before, after)]).toEqual([before, ['other']])
    expect(differences({ kind: 'tool', accepted: before, current: after }).length).toBeGreaterThan(0)
  }
})

test('[threat.43] canonical JSON is the same value, and its own canonical form', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const once = canonical(parseJson(text))
      expect(Bun.deepEquals(JSON.parse(once), JSON.parse(text), true)).toBe(true)
      expect(canonical(parseJson(once))).toBe(once)
    }),
    { numRuns: 300 },
  )
})

const hint = fc.constantFrom(undefined, true, false)
const annotations = fc.record({
  readOnlyHint: hint,
  destructiveHint: hint,
  idempotentHint: hint,
  openWorldHint: hint,
})

test('[threat.43] hints are weaker when one of them, or its default, promises less', () => {
  const promises = (of: typeof annotations extends fc.Arbitrary<infer A> ? A : never) => [
    of.readOnlyHint ?? false,
    !(of.destructiveHint ?? true),
    of.idempotentHint ?? false,
    !(of.openWorldHint ?? true),
  ]
  fc.assert(
    fc.property(annotations, annotations, (one, other) => {
      const [before, after] = [promises(one), promises(other)]
      const weaker = before.some((promised, i) => promised && !after[i])
      const texts = [one, other].map((all) => JSON.stringify({ name: 'x', annotations: all }))
      const reasons = compare('tool', texts[0] ?? '', texts[1] ?? '')
      expect(reasons.includes('weaker_hints')).toBe(weaker)
    }),
    { numRuns: 500 },
  )
  expect(compare('tool', '{"annotations":{"readOnlyHint":true}}', '{}')).toEqual(['weaker_hints'])
  expect(compare('tool', '{"annotations":{"readOnlyHint":true}}', '{"annotations":"yes"}')).toEqual([
    'weaker_hints',
  ])
})

test('[threat.43] a required argument is found wherever a schema can hide it', () => {
  const tool = (schema: object) => JSON.stringify({ name: 'x', inputSchema: { type: 'object', ...schema } })
  const base = tool({ properties: { a: {}, b: {} }, required: ['a'] })
  for (const more of [
    { properties: { a: {}, b: {} }, required: ['a', 'b'] },
    { properties: { a: {}, b: {} }, required: ['b'] },
    { properties: { a: {}, b: {} }, required: ['a'], allOf: [{ required: ['b'] }] },
    { properties: { a: {}, b: { type: 'object', required: ['c'] } }, required: ['a'] },
    { properties: { a: {}, b: {} }, required: ['a'], dependentRequired: { a: ['b'] } },
    { properties: { a: {}, b: {} }, required: ['a'], $defs: { x: { required: ['b'] } } },
  ])
    expect([more, compare('tool', base, tool(more))]).toEqual([more, ['required_added']])
  for (const less of [
    { properties: { a: {}, b: {} } },
    { properties: { a: {}, b: {}, c: {} }, required: ['a'] },
    { properties: { a: {}, b: { type: 'string' } }, required: ['a'] },
  ])
    expect([less, compare('tool', base, tool(less))]).toEqual([less, ['other']])
  const prompt = (required: unknown) =>
    JSON.stringify({
      name: 'x',
      arguments: [
        { name: 'a', required: true },
        { name: 'b', required },
      ],
    })
  expect(compare('prompt', prompt(false), prompt(true))).toEqual(['required_added'])
  expect(compare('prompt', prompt(true), prompt(false))).toEqual(['other'])
})

test('[threat.43] guard withholds what is grave, strict everything, off nothing', () => {
  const grave: PinReason[] = ['hidden_text', 'weaker_hints', 'required_added', 'instructions']
  for (const reason of [...grave, 'new', 'other'] as const) {
    const finding = { reasons: [reason] }
    expect([
      reason,
      isWithheld('guard', finding),
      isWithheld('strict', finding),
      isWithheld('off', finding),
    ]).toEqual([reason, grave.includes(reason), true, false])
  }
})

test('[threat.43] a letter that only looks like the one before is told apart in the diff', () => {
  const shown = differences({
    kind: 'tool',
    accepted: '{"description":"open"}',
    current: '{"description":"\u043epen"}',
  })
  expect(shown).toEqual([
    { path: 'description', lines: ['- open', '+ \u043epen', '  that is "o" and now "\\u{43e}"'] },
  ])
})

test('[threat.42] whatever a text is, showing it leaves nothing that is not seen, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const shown = withHiddenShown(text)
      expect(hidesText(shown)).toBe(false)
      const back = shown.replace(
        /\\\\|\\u\{([0-9a-f]+)\}|\\x20\{(\d+)\}/g,
        (found, point?: string, spaces?: string) =>
          point
            ? String.fromCodePoint(parseInt(point, 16))
            : spaces
              ? ' '.repeat(Number(spaces))
              : found.slice(1),
      )
      expect(back).toBe(text)
    }),
    { numRuns: 500 },
  )
})
