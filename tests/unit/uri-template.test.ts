import { expect, test } from 'bun:test'
import { compileTemplate } from '../../gateway/policy/uri-template'
import { comparableUri, unwrapUri, wrapUri } from '../../gateway/policy/uris'

const matches = (template: string, uri: string): boolean => compileTemplate(template)?.matches(uri) ?? false

const yes: [template: string, uri: string][] = [
  ['test://template/{id}/data', 'test://template/123/data'],
  ['test://template/{id}/data', 'test://template/a%20b/data'],
  ['file:///{+path}', 'file:///a/b/c.txt'],
  ['file://{+path}', 'file:///a?b#c'],
  ['repo://{owner}/{repo}', 'repo://a/b'],
  ['x://a{/one,two}', 'x://a/b/c'],
  ['x://a{/one}', 'x://a'],
  ['x://a{?q,page}', 'x://a'],
  ['x://a{?q,page}', 'x://a?q=1'],
  ['x://a{?q,page}', 'x://a?q=1&page=2'],
  ['x://a?fixed=1{&q}', 'x://a?fixed=1&q=b%26c'],
  ['x://a{?any*}', 'x://a?whatever=1'],
  ['x://a{#part}', 'x://a#b/c'],
  ['x://a{.ext}', 'x://a.json'],
  ['x://a{;v}', 'x://a;v=1'],
  ['x://{a}-{b}', 'x://1-2-3'],
  ['x://{name:3}', 'x://abc'],
  ['{+uri}', 'anything://at/all'],
  ['x://plain', 'x://plain'],
]
const no: [template: string, uri: string][] = [
  ['test://template/{id}/data', 'test://template/1/2/data'],
  ['test://template/{id}/data', 'test://template//data'],
  ['test://template/{id}/data', 'test://template/1/data/'],
  ['test://template/{id}/data', 'TEST://template/1/data'],
  ['file:///{+path}', 'file:///'],
  ['x://a{?q}', 'x://a?other=1'],
  ['x://a{?q}', 'x://a?q=1&other=2'],
  ['x://a{?q}', 'x://a?q=1#f'],
  ['x://a{.ext}', 'x://ajson'],
  ['x://plain', 'x://plain2'],
]

test('[mcp.resources] a URI that a template expands to matches it', () => {
  expect(yes.filter(([template, uri]) => !matches(template, uri))).toEqual([])
})

test('[mcp.resources] other URIs do not', () => {
  expect(no.filter(([template, uri]) => matches(template, uri))).toEqual([])
})

test('[mcp.resources] what is no template matches nothing', () => {
  for (const broken of ['x://{', 'x://}', 'x://{}', 'x://{a', 'x://{a b}', 'x://{!a}', 'x://{a{b}}']) {
    expect(compileTemplate(broken)).toBeNull()
  }
})

test('[mcp.resources] more literal text is more specific, then fewer variables, then less reach', () => {
  const order = ['x://{+path}', 'x://{path}', 'x://a/{b}/{c}', 'x://a/b/{c}', 'x://a/b/c/{d}/e']
  const ranks = order.map((template) => compileTemplate(template)?.specificity ?? 0)
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
  expect(new Set(ranks).size).toBe(order.length)
})

test('[threat.47] hostile templates cost bounded time', () => {
  expect(compileTemplate('{a}'.repeat(25))).toBeNull()
  const parts = ['{+a}', '/{+b}', '{a}/', '{?a}', '{&a}', '{/a}']
  const slow = parts.map((part) => compileTemplate(`${part.repeat(11)}END`))
  const uris = ['a', '/a', '&a=1', '?a', 'a/', '?a=1&'].map((text) => text.repeat(2048).slice(0, 2048))
  // A backtracking matcher would not come back.
  expect(slow.map((template) => uris.map((uri) => template?.matches(uri)))).toEqual(
    parts.map(() => uris.map(() => false)),
  )
  expect(matches('{+a}', 'x'.repeat(2049))).toBe(false)
})

test('[threat.17] URIs that differ only in spelling compare alike', () => {
  const plain = comparableUri('file:///dir/secret')
  for (const other of [
    'file:///dir/%73ecret',
    'FILE:///dir/secret',
    'file:///dir/x/../secret',
    'file:///dir/./secret',
  ]) {
    expect(comparableUri(other)).toBe(plain)
  }
  expect(comparableUri('file:///dir%2Fsecret')).not.toBe(plain)
  expect(comparableUri('not a uri %41')).toBe('not a uri A')
})

test('[names] unwrapping gives back what was wrapped, for its own label only', () => {
  for (const uri of ['file:///x', 'ui://a/b', 'mcpmux+a:x', '']) {
    expect(unwrapUri('gh', wrapUri('gh', uri))).toBe(uri)
    expect(unwrapUri('g', wrapUri('gh', uri))).toBeNull()
  }
})
