// The envelope of MCP 2026-07-28, put into messages and taken out of them.
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { withEnvelope, withoutEnvelope } from '../../gateway/upstream/modern-envelope'
import { readdress } from '../../gateway/upstream/readdress'
import type { Edit, Envelope, Span } from '../../gateway/wire/envelope'
import { changeMembers } from '../../gateway/wire/change-members'
import { entries, member, rawOf } from '../../gateway/wire/members'
import { scanMessage } from '../../gateway/wire/scan'
import { splice } from '../../gateway/wire/splice'
import { textOf } from '../../gateway/wire/text'
import { respell, utf8, type Shape } from '../support/json-spelling'

const prefix = 'io.modelcontextprotocol/'
const envelopeKeys = ['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel'].map(
  (k) => prefix + k,
)
const roundKeys = ['inputResponses', 'requestState']

const shape: fc.Arbitrary<Shape> = fc
  .infiniteStream(fc.nat(1000))
  .map((numbers) => () => numbers.next().value as number)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
/** Members of an object as `[key, raw bytes]`. */
const raw = (bytes: Uint8Array, object: Span | null): [string | null, string][] =>
  object
    ? entries(bytes, object).map(({ key, value }) => [textOf(bytes, key), text(rawOf(bytes, value))])
    : []
const without = (all: [string | null, string][], keys: readonly string[]) =>
  all.filter(([key]) => key === null || !keys.includes(key))
const sorted = (edits: readonly Edit[]) => [...edits].sort((a, b) => a.start - b.start)
const metaOf = ({ bytes, params }: Envelope) => params && member(bytes, params, '_meta')

const dictionary = (known: readonly string[]) =>
  fc
    .tuple(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
      fc.dictionary(fc.constantFrom(...known, 'progressToken', 'acme/x'), fc.jsonValue({ maxDepth: 2 }), {
        maxKeys: 6,
      }),
    )
    .chain(([some, others]) => fc.shuffledSubarray(Object.entries({ ...some, ...others })).map(fromEntries))
/** Keys keep the order they are given in, those that look like numbers too. */
const fromEntries = (pairs: [string, unknown][]): object =>
  Object.fromEntries(pairs.filter(([key]) => !/^\d/.test(key) && key !== '__proto__' && key !== '_meta'))

/** A request with any parameters, any `_meta` or none, in any spelling. */
const request: fc.Arbitrary<Envelope> = fc
  .record({
    params: dictionary(roundKeys),
    meta: fc.oneof(dictionary(envelopeKeys), fc.constantFrom(undefined, null, [1], 'text')),
    metaFirst: fc.boolean(),
    shape,
  })
  .map(({ params, meta, metaFirst, shape: pick }) => {
    const own = meta === undefined ? {} : { _meta: meta }
    const all = metaFirst ? { ...own, ...params } : { ...params, ...own }
    const message = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: all }
    return scanMessage(utf8(respell(message, pick).trim()))
  })

test('[gw.transparent] taking members out of an object leaves every other member byte for byte', () => {
  fc.assert(
    fc.property(dictionary(envelopeKeys), shape, (document, pick) => {
      const bytes = utf8(respell(document, pick).trim())
      const whole = { start: 0, end: bytes.length }
      const left = splice(bytes, changeMembers(bytes, whole, envelopeKeys))
      const end = { start: 0, end: left.length }
      expect(raw(left, end)).toEqual(without(raw(bytes, whole), envelopeKeys))
      const added = splice(bytes, changeMembers(bytes, whole, envelopeKeys, utf8('"new":1.0')))
      expect(raw(added, { start: 0, end: added.length })).toEqual([
        ['new', '1.0'],
        ...without(raw(bytes, whole), envelopeKeys),
      ])
      JSON.parse(text(added))
    }),
    { numRuns: 300 },
  )
})

test('[mcp.modern] a message of a modern client reaches an older server without its envelope, the rest byte for byte', () => {
  fc.assert(
    fc.property(request, (message) => {
      const left = scanMessage(splice(message.bytes, sorted(withoutEnvelope(message))))
      const meta = metaOf(message)
      const outside = without(raw(message.bytes, message.params), [...roundKeys, '_meta'])
      expect(without(raw(left.bytes, left.params), ['_meta'])).toEqual(outside)
      if (meta && message.bytes[meta.start] === 0x7b)
        expect(raw(left.bytes, metaOf(left))).toEqual(without(raw(message.bytes, meta), envelopeKeys))
    }),
    { numRuns: 300 },
  )
})

test('[mcp.modern] a message of an older client gets what that client declared, once, and the rest stays byte for byte', () => {
  const client = { clientCapabilities: '{ "sampling":{}, "x":1.0 }', logLevel: 'info' as const }
  fc.assert(
    fc.property(
      request,
      fc.constantFrom(null, '"inputResponses":{"a":1.0},"requestState":"s"'),
      (message, round) => {
        const edits = withEnvelope(message, client, round === null ? null : utf8(round))
        const sent = scanMessage(readdress({ message, edits: [], progressToken: null }, 42, edits))
        const meta = metaOf(message)
        const isObject = meta !== null && message.bytes[meta.start] === 0x7b
        const inside = raw(sent.bytes, metaOf(sent))
        expect(inside.slice(0, 4).map(([key, value]) => [key, key?.endsWith('Info') ? '' : value])).toEqual([
          [`${prefix}protocolVersion`, '"2026-07-28"'],
          [`${prefix}clientInfo`, ''],
          [`${prefix}clientCapabilities`, client.clientCapabilities],
          [`${prefix}logLevel`, '"info"'],
        ])
        expect(inside.slice(4)).toEqual(isObject ? without(raw(message.bytes, meta), envelopeKeys) : [])
        const outside = without(raw(message.bytes, message.params), [...roundKeys, '_meta'])
        const answers = [
          ['inputResponses', '{"a":1.0}'],
          ['requestState', '"s"'],
        ]
        expect(without(raw(sent.bytes, sent.params), ['_meta'])).toEqual([
          ...(round === null ? [] : (answers as [string, string][])),
          ...outside,
        ])
        expect(text(rawOf(sent.bytes, sent.id ?? { start: 0, end: 0 }))).toBe('42')
      },
    ),
    { numRuns: 300 },
  )
})

test('[mcp.modern] a message without parameters gets some for the envelope', () => {
  const message = scanMessage(utf8(' { "jsonrpc":"2.0","id":1,"method":"acme/x"}'))
  const edits = withEnvelope(message, { clientCapabilities: '{}', logLevel: null }, null)
  const sent = JSON.parse(text(readdress({ message, edits: [], progressToken: null }, 9, edits))) as object
  expect(sent).toMatchObject({
    id: 9,
    method: 'acme/x',
    params: { _meta: { [`${prefix}protocolVersion`]: '2026-07-28', [`${prefix}clientCapabilities`]: {} } },
  })
})

test('[mcp.modern] a key that is given twice is refused, so that nobody reads another envelope than we do', () => {
  const twice = scanMessage(
    utf8('{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{},"_meta":{"a":1}}}'),
  )
  expect(() => withoutEnvelope(twice)).toThrow('given twice')
  expect(() => withEnvelope(twice, { clientCapabilities: '{}', logLevel: null }, null)).toThrow('given twice')
})
