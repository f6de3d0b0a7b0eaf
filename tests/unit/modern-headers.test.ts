// Headers that repeat what a request says (MCP 2026-07-28, Streamable HTTP).
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Feature } from '../../gateway/domain/feature'
import { encodeHeaderText } from '../../gateway/wire/header-text'
import { headersOf } from '../../gateway/upstream/modern-headers'
import { createParamHeaders, mirrorFault } from '../../gateway/upstream/param-headers'
import { member } from '../../gateway/wire/members'
import { scanMessage } from '../../gateway/wire/scan'
import { utf8 } from '../support/json-spelling'

const tool = (name: string, properties: object, more: object = {}): Feature => ({
  serverId: 's',
  kind: 'tool',
  name,
  position: 0,
  descriptor: JSON.stringify({ name, inputSchema: { type: 'object', properties, ...more } }),
})
const none = createParamHeaders(() => [])
const call = (params: object, method = 'tools/call') =>
  scanMessage(utf8(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))

test('[mcp.modern] any text survives as the value of a header, and plain text stays readable', () => {
  const decoded = (value: string) => {
    const inner = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
    return inner === undefined ? value : Buffer.from(inner, 'base64').toString('utf8')
  }
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.string()), (text) => {
      const value = encodeHeaderText(text)
      expect(value).toMatch(/^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/)
      expect(decoded(value)).toBe(text.toWellFormed())
    }),
  )
  expect(encodeHeaderText('us-west1')).toBe('us-west1')
  expect(encodeHeaderText('two words')).toBe('two words')
  expect(encodeHeaderText('Hello, 世界')).toBe('=?base64?SGVsbG8sIOS4lueVjA==?=')
  expect(encodeHeaderText(' padded ')).toBe('=?base64?IHBhZGRlZCA=?=')
  expect(encodeHeaderText('=?base64?literal?=')).toBe('=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=')
})

test('[mcp.modern] headers name what is sent, after the name was edited', () => {
  const message = call({ name: 'alias_tool', arguments: {} })
  const span = message.params && member(message.bytes, message.params, 'name')
  if (!span) throw new Error('no name')
  const edits = [{ ...span, with: utf8('"töol"') }]
  expect(headersOf({ message, edits, progressToken: null }, none)).toEqual({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': encodeHeaderText('töol'),
  })
  const named = (method: string, params: object) =>
    headersOf({ message: call(params, method), edits: [], progressToken: null }, none)['mcp-name']
  expect(named('resources/read', { uri: 'file:///a' })).toBe('file:///a')
  expect(named('prompts/get', { name: 'p' })).toBe('p')
  expect(named('tasks/get', { taskId: 't-1' })).toBe('t-1')
  expect(named('completion/complete', { name: 'p' })).toBeUndefined()
})

test('[mcp.modern] arguments a tool wants in headers go there; what is absent, null or no primitive does not', () => {
  const nested = { type: 'object', properties: { 'zöne "q"': { type: 'integer', 'x-mcp-header': 'Zone' } } }
  const region = { type: 'string', 'x-mcp-header': 'Region' }
  const dry = { type: 'boolean', 'x-mcp-header': 'Dry' }
  const params = createParamHeaders(() => [tool('t', { region, nested, dry }), tool('other', { region })])
  const headers = (args: string) =>
    params.of('t', utf8(args), { start: 0, end: utf8(args).length }) as Record<string, string>
  expect(headers('{"region":"eu é","nested":{"zöne \\"q\\"":7},"dry":false}')).toEqual({
    'mcp-param-region': encodeHeaderText('eu é'),
    'mcp-param-zone': '7',
    'mcp-param-dry': 'false',
  })
  expect(headers('{"region":null,"nested":[],"dry":{"a":1}}')).toEqual({})
  expect(headers('{"nested":{"zöne \\"q\\"":9007199254740993}}')).toEqual({})
  expect(params.of('t', utf8('{}'), null)).toEqual({})
  expect(params.of('unknown', utf8('{"region":"x"}'), { start: 0, end: 14 })).toEqual({})
})

test('[mcp.modern] tools are read again once they changed', () => {
  let tools = [tool('t', {})]
  const params = createParamHeaders(() => tools)
  const args = utf8('{"a":"1"}')
  const headers = () => params.of('t', args, { start: 0, end: args.length })
  expect(headers()).toEqual({})
  tools = [tool('t', { a: { type: 'string', 'x-mcp-header': 'A' } })]
  expect(headers()).toEqual({})
  params.forget()
  expect(headers()).toEqual({ 'mcp-param-a': '1' })
})

test('[mcp.modern] a tool whose marks may not stand where they do is not offered', () => {
  const mark = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name })
  const faulty: Feature[] = [
    tool('empty', { a: mark('') }),
    tool('no name', { a: mark('Not A Name') }),
    tool('line', { a: mark('A\r\nEvil: 1') }),
    tool('number', { a: mark('A', 'number') }),
    tool('object', { a: mark('A', 'object') }),
    tool('untyped', { a: { 'x-mcp-header': 'A' } }),
    tool('twice', { a: mark('A'), b: mark('a') }),
    tool('in items', { a: { type: 'array', items: mark('A') } }),
    tool('in a choice', { a: { oneOf: [mark('A')] } }),
    tool('in a definition', {}, { $defs: { a: mark('A') } }),
    tool('at the root', {}, { 'x-mcp-header': 'A' }),
    tool('behind a choice', {}, { anyOf: [{ properties: { a: mark('A') } }] }),
  ]
  for (const feature of faulty) expect([feature.name, mirrorFault(feature)]).not.toEqual([feature.name, null])
  const fine: Feature[] = [
    tool('nested', { a: { type: 'object', properties: { b: mark('B', 'integer') } } }),
    tool('named like the mark', { 'x-mcp-header': { type: 'number' } }),
    tool('in data', { a: { type: 'object', default: { 'x-mcp-header': 5 }, enum: [{ 'x-mcp-header': 1 }] } }),
    { ...tool('prompt', { a: mark('') }), kind: 'prompt' },
  ]
  for (const feature of fine) expect([feature.name, mirrorFault(feature)]).toEqual([feature.name, null])
})
