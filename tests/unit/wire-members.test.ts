import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Span, WireError } from '../../gateway/wire/envelope'
import { elements, indexMembers, member, rawOf } from '../../gateway/wire/members'
import { spells, textOf } from '../../gateway/wire/text'
import { respell, utf8, type Shape } from '../support/json-spelling'

const shape: fc.Arbitrary<Shape> = fc
  .infiniteStream(fc.nat(1000))
  .map((numbers) => () => numbers.next().value as number)
const whole = (bytes: Uint8Array): Span => {
  const text = new TextDecoder().decode(bytes)
  return { start: text.length - text.trimStart().length, end: bytes.length }
}
const valueAt = (bytes: Uint8Array, span: Span): unknown =>
  JSON.parse(new TextDecoder().decode(rawOf(bytes, span)))
const reason = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof WireError) return error.reason
    throw error
  }
  return 'accepted'
}

describe('members and elements', () => {
  test('[gw.transparent] members of any object decode to what JSON.parse sees', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
        fc.dictionary(fc.string({ unit: 'grapheme-ascii' }), fc.jsonValue()),
        shape,
        (others, asked, pick) => {
          const document = { ...others, ...asked }
          const bytes = utf8(respell(document, pick))
          const expected = JSON.parse(JSON.stringify(document)) as Record<string, unknown>
          const indexed = whole(bytes)
          indexMembers(bytes, indexed)
          for (const key of Object.keys(asked)) {
            const span = member(bytes, whole(bytes), key)
            expect(span && valueAt(bytes, span)).toEqual(expected[key])
            expect(member(bytes, indexed, key)).toEqual(span)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('[gw.transparent] elements of any array decode to what JSON.parse sees', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), shape, (document, pick) => {
        const bytes = utf8(respell(document, pick))
        expect(elements(bytes, whole(bytes)).map((span) => valueAt(bytes, span))).toEqual(
          JSON.parse(JSON.stringify(document)) as unknown[],
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('[gw.transparent] strings of any length and any escapes are skipped whole', () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.array(fc.constantFrom('\\', '"', 'a', '\n', '\\"', '\u00e9'), { maxLength: 80 }),
        (run, bits) => {
          const text = 'x'.repeat(run) + bits.join('')
          const bytes = utf8(JSON.stringify({ skipped: text, nested: { deep: [text] }, name: 'here' }))
          const found = member(bytes, whole(bytes), 'name')
          expect(found && textOf(bytes, found)).toBe('here')
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('[threat.67] a key written with escapes is the same key, and asking for a repeated one is refused', () => {
    const bytes = utf8('{"n\\u0061me":"a","other":1,"\\u006fther":2,"name ":3}')
    const indexed = whole(bytes)
    indexMembers(bytes, indexed)
    for (const object of [whole(bytes), indexed]) {
      const name = member(bytes, object, 'name')
      expect(name && textOf(bytes, name)).toBe('a')
      expect(reason(() => member(bytes, object, 'other'))).toBe('duplicate')
      expect(member(bytes, object, 'absent')).toBeNull()
      expect(member(bytes, object, 'name ')).not.toBeNull()
    }
  })

  test('[threat.67] __proto__ and constructor are keys like others', () => {
    const bytes = utf8('{"__proto__":1,"constructor":2}')
    for (const [key, value] of [
      ['__proto__', 1],
      ['constructor', 2],
    ] as const) {
      const span = member(bytes, whole(bytes), key)
      expect(span && valueAt(bytes, span)).toBe(value)
    }
    expect(member(bytes, whole(bytes), 'toString')).toBeNull()
  })

  test('[gw.transparent] what is not an object has no members and what is not an array no elements', () => {
    for (const text of ['1', '"{}"', 'null', '[{"a":1}]']) {
      const bytes = utf8(text)
      expect(member(bytes, whole(bytes), 'a')).toBeNull()
    }
    expect(elements(utf8('{"a":[]}'), { start: 0, end: 8 })).toEqual([])
  })

  test('[threat.51] bytes that are no JSON end in an error, not in a loop', () => {
    for (const text of ['{"a":1', '{"a"', '{"a', '{', '{"a":[', '{"a":"', '{"a":}', '{"a":1,'])
      expect([text, reason(() => member(utf8(text), { start: 0, end: text.length }, 'b'))]).toEqual([
        text,
        'parse',
      ])
    for (const text of ['[1', '[', '["', '[1,', '[1 2]'])
      expect([text, reason(() => elements(utf8(text), { start: 0, end: text.length }))]).toEqual([
        text,
        'parse',
      ])
  })
})

describe('strings', () => {
  test('[gw.transparent] any string token decodes to its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), shape, (text, pick) => {
        const bytes = utf8(respell(text, pick).trim())
        const span = { start: 0, end: bytes.length }
        expect(textOf(bytes, span)).toBe(text)
        expect(spells(bytes, 0, bytes.length, 'name')).toBe(text === 'name')
      }),
    )
    expect(textOf(utf8('"\ufeffx"'), { start: 0, end: 6 })).toBe('\ufeffx')
    expect(textOf(utf8('12'), { start: 0, end: 2 })).toBeNull()
  })

  test('[threat.67] a key is recognised in every spelling', () => {
    fc.assert(
      fc.property(fc.constantFrom('id', 'name', 'jsonrpc', 'progressToken'), shape, (key, pick) => {
        const bytes = utf8(respell(key, pick).trim())
        expect(spells(bytes, 0, bytes.length, key)).toBe(true)
        expect(spells(bytes, 0, bytes.length, `${key}x`)).toBe(false)
      }),
    )
  })
})
