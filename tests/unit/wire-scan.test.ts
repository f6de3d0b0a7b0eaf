import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Envelope, type Span, WireError } from '../../gateway/wire/envelope'
import { bigMessageBytes, scanMessage, scanMessageAsync } from '../../gateway/wire/scan'
import { accepted, respell, utf8, type Shape } from '../support/json-spelling'

const refusal = (bytes: Uint8Array): string => {
  try {
    scanMessage(bytes)
  } catch (error) {
    if (error instanceof WireError) return error.reason
    throw error
  }
  return 'accepted'
}
const refused = (text: string) => refusal(utf8(text))
const cut = (bytes: Uint8Array, span: Span | null) =>
  span === null
    ? null
    : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(span.start, span.end))
const parsed = (envelope: Envelope, part: 'id' | 'params' | 'result' | 'error') => {
  const text = cut(envelope.bytes, envelope[part])
  return text === null ? null : (JSON.parse(text) as unknown)
}

const shape: fc.Arbitrary<Shape> = fc
  .infiniteStream(fc.nat(1000))
  .map((numbers) => () => numbers.next().value as number)

describe('the scanner against JSON.parse', () => {
  test('[gw.transparent] any document, however it is written, is found where it stands', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), shape, (document, pick) => {
        const message = { jsonrpc: '2.0', id: 7, result: document }
        const bytes = utf8(respell(message, pick))
        const envelope = scanMessage(bytes)
        expect(envelope.kind).toBe('response')
        expect(parsed(envelope, 'result')).toEqual(JSON.parse(JSON.stringify(document)))
        expect(parsed(envelope, 'id')).toBe(7)
      }),
      { numRuns: 1500 },
    )
  })

  test('[gw.transparent] damaged documents are accepted exactly when JSON.parse accepts them', () => {
    const damage = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.nat(3),
      byte: fc.nat(255),
    })
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        shape,
        fc.array(damage, { maxLength: 3 }),
        (document, pick, hits) => {
          let inner = utf8(respell(document, pick))
          for (const { at, kind, byte } of hits) {
            const pos = Math.floor(at * inner.length)
            const rest =
              kind === 0 ? inner.subarray(pos + 1) : kind === 1 ? inner.subarray(pos) : new Uint8Array(0)
            const changed = kind === 2 ? inner.subarray(pos + 1) : rest
            inner = Uint8Array.from([...inner.subarray(0, pos), ...(kind === 3 ? [] : [byte]), ...changed])
          }
          const bytes = Uint8Array.from([...utf8('{"jsonrpc":"2.0","id":1,"result":'), ...inner, 0x7d])
          const expected = accepted(bytes)
          const reason = refusal(bytes)
          // Damage may also have made a second member of the envelope, which JSON.parse does not mind.
          if (expected) expect(['accepted', 'duplicate', 'invalid']).toContain(reason)
          else expect(reason).toBe('parse')
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('[gw.transparent] random bytes inside a string agree with JSON.parse at every alignment and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), fc.nat(7), fc.nat(120), (noise, shift, run) => {
        const text = [
          ...utf8(`{"jsonrpc":"2.0","method":"m","x":"${'a'.repeat(run)}`),
          ...noise,
          ...utf8('bcd"}'),
        ]
        const buffer = new Uint8Array(text.length + shift + 5)
        buffer.set(text, shift)
        const bytes = buffer.subarray(shift, shift + text.length)
        const reason = refusal(bytes)
        if (accepted(bytes)) expect(['accepted', 'duplicate', 'invalid']).toContain(reason)
        else expect(reason).toBe('parse')
      }),
      { numRuns: 4000 },
    )
  })

  test('[gw.transparent] every byte is judged in a long string as JSON.parse judges it', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const before of [0, 23, 24, 25, 26, 27, 28, 61]) {
        const bytes = Uint8Array.from([
          ...utf8(`{"jsonrpc":"2.0","method":"m","x":"${'a'.repeat(before)}`),
          byte,
          ...utf8(`${'a'.repeat(40)}"}`),
        ])
        expect([byte, before, refusal(bytes)]).toEqual([byte, before, accepted(bytes) ? 'accepted' : 'parse'])
      }
    }
  })

  const scalars =
    '0|-0|1.0|1e400|9007199254740993|-1E+2|0.5e-7|true|false|null|""|"\\u0000\\ud800"|[]|{}'.split('|')
  const broken =
    '01|+1|1.|.5|1e|1e+|-|--1|0x1|NaN|Infinity|tru|nulll|True|"|"\\x"|"\\u12g4"|"\\u123"|"\t"|\'a\'|[|[1,]|[,]|{"a"}|{"a":}|{"a":1,}|{,}|{a:1}|[1 2]|{"a":1 "b":2}|]|}|[}|{]|1 2|/**/1|\u00a0|\ufeff1|"a'.split(
      '|',
    )
  for (const text of scalars)
    test(`[gw.transparent] ${text} is carried as it is written`, () => {
      const bytes = utf8(`{"jsonrpc":"2.0","id":1,"result": ${text} }`)
      expect(cut(bytes, scanMessage(bytes).result)).toBe(text)
    })
  for (const text of broken)
    test(`[threat.67] ${JSON.stringify(text)} is no JSON`, () => {
      expect(() => JSON.parse(`{"jsonrpc":"2.0","id":1,"result":${text}}`)).toThrow()
      expect(refused(`{"jsonrpc":"2.0","id":1,"result":${text}}`)).toBe('parse')
    })
})

describe('the envelope', () => {
  test('[gw.transparent] a request, a notification, a result and an error are told apart', () => {
    const scan = (text: string) => {
      const { bytes, kind, method, id, params, result, error } = scanMessage(utf8(text))
      return [kind, method, cut(bytes, id), cut(bytes, params), cut(bytes, result), cut(bytes, error)]
    }
    const at = (text: string) => `{"jsonrpc":"2.0",${text}}`
    expect(scan(at('"id":"a\\n","method":"tools/call","params":{"name":"x"}'))).toEqual(
      ['request', 'tools/call', '"a\\n"', '{"name":"x"}', null, null], // the id stays raw
    )
    expect(scan(at('"method":"notifications/x"'))).toEqual([
      'notification',
      'notifications/x',
      null,
      null,
      null,
      null,
    ])
    expect(scan(at('"id":1,"result":null'))).toEqual(['response', null, '1', null, 'null', null])
    expect(scan(at('"id":1,"error":{"code":1}'))).toEqual(['response', null, '1', null, null, '{"code":1}'])
    expect(scan(at('"id":null,"error":{}'))).toEqual(['response', null, null, null, null, '{}'])
    expect(scan(at('"error":{}'))).toEqual(['response', null, null, null, null, '{}'])
  })

  test('[threat.67] keys and the version written with escapes are the same keys', () => {
    const { method, kind } = scanMessage(
      utf8('{"\\u006asonrpc":"2\\u002e0","\\u0069d":1,"m\\u0065thod":"p\\u0069ng","par\\u0061ms":{}}'),
    )
    expect([kind, method]).toEqual(['request', 'ping'])
    expect(refused('{"jsonrpc":"2.0","id":1,"method":"a","\\u006dethod":"b"}')).toBe('duplicate')
  })

  for (const key of ['"jsonrpc":"2.0"', '"id":1', '"method":"m"', '"params":{}', '"result":1', '"error":{}'])
    test(`[threat.67] ${key} given twice is refused`, () => {
      expect(refused(`{"jsonrpc":"2.0","id":1,"method":"m","params":{},"result":1,"error":{},${key}}`)).toBe(
        'duplicate',
      )
    })

  test('[gw.transparent] unknown members and repeated keys of a payload are left alone', () => {
    const text =
      '{"x":{"a":1,"a":2},"x":3,"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2,"__proto__":{"b":1}},"":0}'
    const envelope = scanMessage(utf8(text))
    expect(cut(envelope.bytes, envelope.result)).toBe('{"a":1,"a":2,"__proto__":{"b":1}}')
  })

  for (const id of [
    '0',
    '-0',
    '-7',
    '9007199254740991',
    '-9007199254740991',
    '""',
    '"9007199254740993"',
    '"\\ud800"',
  ])
    test(`[threat.67] ${id} is an id and stays as written`, () => {
      const envelope = scanMessage(utf8(`{"jsonrpc":"2.0","id":${id},"method":"m"}`))
      expect(cut(envelope.bytes, envelope.id)).toBe(id)
    })
  for (const id of [
    '9007199254740992',
    '-9007199254740993',
    '1.0',
    '1e3',
    'null',
    'true',
    '[]',
    '{}',
    '12345678901234567890',
  ])
    test(`[threat.67] ${id} is no id`, () => {
      expect(refused(`{"jsonrpc":"2.0","id":${id},"method":"m"}`)).toBe('invalid')
      expect(refused(`{"jsonrpc":"2.0","id":${id},"result":{}}`)).toBe('invalid')
    })

  const invalid = [
    '{}',
    '1',
    '"x"',
    'null',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":1}',
    '{"id":1,"method":"m"}',
    '{"jsonrpc":"1.0","id":1,"method":"m"}',
    '{"jsonrpc":2.0,"id":1,"method":"m"}',
    '{"jsonrpc":"2.0","id":1,"method":7}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":null}',
    '{"jsonrpc":"2.0","id":1,"method":"m","result":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    '{"jsonrpc":"2.0","result":{}}',
    '{"jsonrpc":"2.0","id":1,"error":"no"}',
    '{"jsonrpc":"2.0","id":1,"result":{},"params":{}}',
  ]
  for (const text of invalid)
    test(`[threat.67] ${text} is JSON but no message`, () => expect(refused(text)).toBe('invalid'))

  test('[threat.67] arrays of messages, empty input, other encodings and byte order marks are refused', () => {
    expect(refused(' [{"jsonrpc":"2.0","method":"m"}]')).toBe('batch')
    expect(refused('')).toBe('parse')
    expect(refused(' \n')).toBe('parse')
    expect(refused('\ufeff{"jsonrpc":"2.0","method":"m"}')).toBe('parse')
    expect(
      refusal(Uint8Array.from([...utf8('{"jsonrpc":"2.0","method":"'), 0xed, 0xa0, 0x80, 0x22, 0x7d])),
    ).toBe('parse')
    expect(refusal(Uint8Array.from([...utf8('{"jsonrpc":"2.0","method":"'), 0xff, 0x22, 0x7d]))).toBe('parse')
    expect(refusal(new Uint8Array(Buffer.from('{"jsonrpc":"2.0","method":"m"}', 'utf16le')))).toBe('parse')
  })
})

describe('depth and size', () => {
  const nested = (depth: number, open: string, close: string) =>
    `{"jsonrpc":"2.0","id":1,"result":${open.repeat(depth)}${close === ']' ? '' : '1'}${close.repeat(depth)}}`

  test('[threat.51] 256 containers inside each other are read, the next one is refused', () => {
    expect(refused(nested(255, '[', ']'))).toBe('accepted')
    expect(refused(nested(256, '[', ']'))).toBe('depth')
    expect(refused(nested(255, '{"a":', '}'))).toBe('accepted')
    expect(refused(nested(256, '{"a":', '}'))).toBe('depth')
  })

  test('[threat.51] a bomb of 500 000 levels is refused without walking it', () => {
    const before = process.cpuUsage()
    expect(refused(nested(500_000, '[', ']'))).toBe('depth')
    expect(refused(nested(500_000, '{"a":', '}'))).toBe('depth')
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(1000)
  })

  test('[gw.transparent] slices give what one go gives, wherever they end', async () => {
    const filler = `${'long \\n text \u00e9\u{1f600} '.repeat(9000)}`
    for (const lead of [0, 1, 2, 3, 5, 7, 11]) {
      const list = Array.from(
        { length: 12_000 },
        (_, index) => ` {"k\\u0065y${index}" : [${index}.50e1, true, null, "x"] }`,
      )
      const text = `${' '.repeat(lead)}{"params":{"a":[${list.join(',')}],"b":"${filler.repeat(4)}"},"jsonrpc":"2.0","method":"m","id":"q"}`
      const bytes = utf8(text)
      expect(bytes.length).toBeGreaterThan(bigMessageBytes)
      expect(await scanMessageAsync(bytes)).toEqual(scanMessage(bytes))
    }
  })

  test('[threat.51] a broken big message is refused from slices too, and the loop turns meanwhile', async () => {
    const text = `{"jsonrpc":"2.0","id":1,"result":[${'"abcdefgh\\n",'.repeat(400_000)}`
    let turns = 0
    const count = setInterval(() => turns++, 0)
    const reason = await scanMessageAsync(utf8(text)).catch((error: unknown) => (error as WireError).reason)
    clearInterval(count)
    expect(reason).toBe('parse')
    expect(turns).toBeGreaterThan(0)
  })
})
