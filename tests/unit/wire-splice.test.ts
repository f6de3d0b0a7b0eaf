import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Edit } from '../../gateway/wire/envelope'
import { errorMessage, notificationMessage, requestMessage, resultMessage } from '../../gateway/wire/messages'
import { member } from '../../gateway/wire/members'
import { scanMessage } from '../../gateway/wire/scan'
import { oneLine, splice } from '../../gateway/wire/splice'
import { respell, utf8, type Shape } from '../support/json-spelling'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const shape: fc.Arbitrary<Shape> = fc
  .infiniteStream(fc.nat(1000))
  .map((numbers) => () => numbers.next().value as number)

const editing = fc
  .tuple(
    fc.uint8Array({ maxLength: 400 }),
    fc.array(fc.tuple(fc.nat(400), fc.nat(90), fc.uint8Array({ maxLength: 90 }))),
  )
  .map(([bytes, wanted]) => {
    const edits: Edit[] = []
    let from = 0
    for (const [at, size, insert] of wanted.sort((a, b) => a[0] - b[0])) {
      const start = Math.max(at, from)
      if (start > bytes.length) break
      from = Math.min(bytes.length, start + size)
      edits.push({ start, end: from, with: insert })
    }
    return { bytes, edits }
  })

describe('splice', () => {
  test('[gw.transparent] edits replace their bytes and nothing else', () => {
    fc.assert(
      fc.property(editing, ({ bytes, edits }) => {
        const expected: number[] = []
        let read = 0
        for (const edit of edits) {
          expected.push(...bytes.subarray(read, edit.start), ...edit.with)
          read = edit.end
        }
        expected.push(...bytes.subarray(read))
        expect([...splice(bytes, edits)]).toEqual(expected)
      }),
    )
  })

  test('[gw.transparent] putting the same bytes back, or nothing, gives the same message', () => {
    fc.assert(
      fc.property(editing, ({ bytes, edits }) => {
        const same = edits.map(({ start, end }) => ({ start, end, with: bytes.slice(start, end) }))
        expect(splice(bytes, same)).toEqual(bytes)
        expect(splice(bytes, [])).toBe(bytes)
      }),
    )
  })

  test('[gw.transparent] an id and a name are replaced while numbers and repeated keys stay as written', () => {
    const payload = '"arguments":{"n":9007199254740993,"f":1e400,"z":1.0,"a":1,"a":2}'
    const bytes = utf8(
      `{"jsonrpc":"2.0","id":"one","method":"tools/call","params":{"name":"x_echo",${payload}}}`,
    )
    const { id, params } = scanMessage(bytes)
    if (id === null || params === null) throw new Error('no id or params')
    const name = member(bytes, params, 'name')
    if (name === null) throw new Error('no name')
    const out = splice(bytes, [
      { ...id, with: utf8('4711') },
      { ...name, with: utf8('"echo"') },
    ])
    expect(text(out)).toBe(
      `{"jsonrpc":"2.0","id":4711,"method":"tools/call","params":{"name":"echo",${payload}}}`,
    )
  })

  test('[gw.transparent] edits out of order, overlapping or outside are refused', () => {
    const edit = (start: number, end: number): Edit => ({ start, end, with: new Uint8Array(1) })
    const bytes = new Uint8Array(10)
    for (const edits of [
      [edit(4, 6), edit(5, 7)],
      [edit(4, 5), edit(1, 2)],
      [edit(3, 2)],
      [edit(0, 11)],
      [edit(-1, 2)],
    ])
      expect(() => splice(bytes, edits)).toThrow(RangeError)
  })

  test('[gw.transparent] a message on several lines becomes one line with the same meaning', () => {
    fc.assert(
      fc.property(fc.jsonValue(), shape, (document, pick) => {
        const bytes = utf8(respell(document, pick))
        const line = oneLine(bytes)
        expect(line.includes(0x0a) || line.includes(0x0d)).toBe(false)
        expect(JSON.parse(text(line))).toEqual(JSON.parse(text(bytes)))
      }),
    )
    const single = utf8('{"a":"\\n"}')
    expect(oneLine(single)).toBe(single)
  })
})

describe('messages of our own', () => {
  const odd = '{"n":9007199254740993,"a":1,"a":2}'

  test('[gw.transparent] results carry id and result as the bytes they were', () => {
    expect(text(resultMessage(utf8('"\\u0061"'), utf8(odd)))).toBe(
      `{"jsonrpc":"2.0","id":"\\u0061","result":${odd}}`,
    )
  })

  test('[gw.transparent] errors carry code, message and data, and null where the id is not known', () => {
    expect(text(errorMessage(utf8('7'), { code: -1, message: 'a "b"', data: { code: 'x' } }))).toBe(
      '{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"a \\"b\\"","data":{"code":"x"}}}',
    )
    expect(text(errorMessage(null, { code: -32700, message: 'm' }))).toBe(
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}',
    )
  })

  test('[gw.transparent] requests and notifications take params as bytes, as a value or not at all', () => {
    expect(text(requestMessage(1, 'm'))).toBe('{"jsonrpc":"2.0","id":1,"method":"m"}')
    expect(text(requestMessage(1, 'm', utf8(odd)))).toBe(
      `{"jsonrpc":"2.0","id":1,"method":"m","params":${odd}}`,
    )
    expect(text(requestMessage(1, 'm"', { a: 1 }))).toBe(
      '{"jsonrpc":"2.0","id":1,"method":"m\\"","params":{"a":1}}',
    )
    expect(text(notificationMessage('n'))).toBe('{"jsonrpc":"2.0","method":"n"}')
    expect(text(notificationMessage('n', utf8(odd)))).toBe(`{"jsonrpc":"2.0","method":"n","params":${odd}}`)
    expect(scanMessage(notificationMessage('n', { a: 1 })).kind).toBe('notification')
  })
})
