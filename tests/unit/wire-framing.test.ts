import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { WireError } from '../../gateway/wire/envelope'
import { createLineFramer } from '../../gateway/wire/lines'
import { createSseParser, sseEvent } from '../../gateway/wire/sse'
import { utf8 } from '../support/json-spelling'

const text = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)

/** Pushes bytes cut at the wanted places, empty chunks included. */
function feed(bytes: Uint8Array, cuts: readonly number[], push: (chunk: Uint8Array) => void): void {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (let index = 1; index < places.length; index++) push(bytes.slice(places[index - 1], places[index]))
}
const cuts = fc.array(fc.nat(5000), { maxLength: 60 })

describe('lines', () => {
  const read = (bytes: Uint8Array, places: readonly number[], maxLineBytes = 1 << 20) => {
    const lines: string[] = []
    const heads: number[] = []
    const framer = createLineFramer({
      maxLineBytes,
      onLine: (line) => lines.push(text(line)),
      onOversize: (head) => heads.push(head.length),
    })
    feed(bytes, places, framer.push)
    return { lines, heads }
  }
  const line = fc.string({ unit: 'binary', maxLength: 60 }).map((value) => value.replace(/[\r\n]/g, '.'))

  test('[threat.51] any cutting gives the same lines', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n'))),
        cuts,
        fc.boolean(),
        (wanted, places, mark) => {
          const bytes = utf8((mark ? '\ufeff' : '') + wanted.map(([value, end]) => value + end).join(''))
          const expected = wanted.map(([value]) => value).filter((value) => /[^ \t]/.test(value))
          if (!mark && expected[0]?.startsWith('\ufeff')) return
          expect(read(bytes, places).lines).toEqual(expected)
        },
      ),
    )
  })

  test('[threat.51] a line over the limit is dropped alone, reported once, and those around it arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 12 }), cuts, (sizes, places) => {
        const wanted = sizes.map((size) => 'x'.repeat(size))
        const bytes = utf8(wanted.map((value) => `${value}\r\n`).join(''))
        const { lines, heads } = read(bytes, places, 30)
        expect(lines).toEqual(wanted.filter((value) => value.length > 0 && value.length <= 30))
        expect(heads.length).toBe(wanted.filter((value) => value.length > 30).length)
        for (const head of heads) expect(head).toBeGreaterThan(30)
      }),
    )
  })

  test('[threat.51] of an endless line only the head is kept', () => {
    const heads: string[] = []
    const lines: string[] = []
    const framer = createLineFramer({
      maxLineBytes: 100_000,
      onLine: (found) => lines.push(text(found)),
      onOversize: (head) => heads.push(text(head)),
    })
    framer.push(utf8('{"jsonrpc":"2.0","id":42,"result":"'))
    for (let index = 0; index < 5000; index++) framer.push(new Uint8Array(10_000).fill(0x61))
    framer.push(utf8('"}\n{"next":1}\n'))
    expect(heads.map((head) => head.length)).toEqual([4096])
    expect(heads[0]).toStartWith('{"jsonrpc":"2.0","id":42,')
    expect(lines).toEqual(['{"next":1}'])
  })

  test('[threat.51] a long line that drips in byte by byte is put together once', () => {
    const size = 2_000_000
    const found: number[] = []
    const framer = createLineFramer({
      maxLineBytes: size,
      onLine: (l) => found.push(l.length),
      onOversize: () => found.push(-1),
    })
    const drop = utf8('y')
    for (let index = 0; index < size; index++) framer.push(drop)
    framer.push(utf8('\n'))
    expect(found).toEqual([size])
  })

  test('[threat.51] NUL and invalid UTF-8 pass through to be judged, an unfinished line does not', () => {
    const found: number[][] = []
    const framer = createLineFramer({
      maxLineBytes: 99,
      onLine: (l) => found.push([...l]),
      onOversize: () => found.push([]),
    })
    framer.push(Uint8Array.from([0, 0xff, 0x0a, 0x7b]))
    expect(found).toEqual([[0, 0xff]])
  })
})

describe('server-sent events', () => {
  const read = (bytes: Uint8Array, places: readonly number[], maxEventBytes = 1 << 20) => {
    const events: unknown[] = []
    const retries: number[] = []
    const parser = createSseParser({
      maxEventBytes,
      onEvent: ({ type, id, data }) => events.push([type, id, text(data)]),
      onRetry: (milliseconds) => retries.push(milliseconds),
    })
    feed(bytes, places, parser.push)
    return { events, retries, last: parser.lastEventId() }
  }

  const word = fc.string({ unit: 'binary', maxLength: 30 }).map((value) => value.replace(/[\r\n\0]/g, '.'))
  const ending = fc.constantFrom('\n', '\r', '\r\n')
  const event = fc.record({
    type: fc.option(word.filter((value) => value.length > 0)),
    id: fc.option(word),
    lines: fc.array(word, { minLength: 1, maxLength: 4 }),
    comment: fc.boolean(),
    end: ending,
  })

  test('[gw.transports] any cutting and any line ending gives the same events', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), cuts, fc.boolean(), (events, places, mark) => {
        let stream = mark ? '\ufeff' : ''
        for (const { type, id, lines, comment, end } of events) {
          if (comment) stream += `: heartbeat${end}`
          if (type !== null) stream += `event: ${type}${end}`
          if (id !== null) stream += `id: ${id}${end}`
          stream += lines.map((value) => `data: ${value}${end}`).join('') + end
        }
        const found = read(utf8(stream), places)
        expect(found.events).toEqual(events.map(({ type, id, lines }) => [type, id, lines.join('\n')]))
        expect(found.last).toBe(events.findLast(({ id }) => id !== null)?.id ?? null)
      }),
    )
  })

  test('[gw.transports] what is written is read back', () => {
    fc.assert(
      fc.property(
        fc.option(word),
        fc.option(word.filter((value) => value.length > 0)),
        fc.uint8Array(),
        cuts,
        (id, type, data, places) => {
          const clean = data.map((byte) => (byte === 0x0d || byte > 0x7f ? 0x0a : byte))
          const bytes = sseEvent({
            data: clean,
            ...(id === null ? {} : { id }),
            ...(type === null ? {} : { event: type }),
          })
          expect(read(bytes, places).events).toEqual([[type, id, text(clean)]])
        },
      ),
    )
  })

  test('[gw.transports] the rules of the standard: comments, unknown fields, no colon, one space, retry, ids', () => {
    const stream = [
      ':comment\n\n',
      'data\n\n',
      'data:\n\n',
      'data:  two\nunknown: x\ndatax: no\n\n',
      'id: 1\n\n',
      'id: a\u0000b\ndata: nul\n\n',
      'retry: 1500\nretry: 1x\nretry:\n\n',
      'event: e\n\ndata: plain\n\n',
      'id\ndata: reset\n\n',
      'id: cut\ndata: unfinished\n',
    ].join('')
    const { events, retries, last } = read(utf8(stream), [])
    expect(events).toEqual([
      [null, null, ''],
      [null, null, ''],
      [null, null, ' two'],
      [null, null, 'nul'],
      [null, null, 'plain'],
      [null, '', 'reset'],
    ])
    expect(retries).toEqual([1500])
    expect(last).toBe('')
  })

  test('[threat.51] an event over the cap is refused: one long line, many lines, a line that never ends', () => {
    const refused = (...chunks: string[]) => {
      const parser = createSseParser({ maxEventBytes: 1000, onEvent: () => {}, onRetry: () => {} })
      try {
        for (const chunk of chunks) parser.push(utf8(chunk))
      } catch (error) {
        return error instanceof WireError && error.reason === 'size'
      }
      return false
    }
    expect(refused(`data: ${'x'.repeat(900)}\n\n`)).toBe(false)
    expect(refused(`data: ${'x'.repeat(1000)}\n\n`)).toBe(true)
    expect(refused(...Array.from({ length: 30 }, () => `data: ${'x'.repeat(40)}\n`))).toBe(true)
    expect(refused(...Array.from({ length: 300 }, () => 'data\n'))).toBe(true)
    expect(refused(...Array.from({ length: 30 }, () => 'x'.repeat(40)))).toBe(true)
    expect(
      refused(...Array.from({ length: 300 }, () => `data: ${'x'.repeat(40)}\n\n: ${'c'.repeat(40)}\n`)),
    ).toBe(false)
  })

  test('[gw.transparent] a message keeps its bytes in an event', () => {
    const message = '{"n":9007199254740993,"f":1e400,"t":"\u00e9\u{1f600}\\r\\n"}'
    expect(read(sseEvent({ id: '7', data: utf8(message) }), [13, 21]).events).toEqual([[null, '7', message]])
  })
})
