// What servers and authorization servers say of themselves, piece by piece.
import { expect, test } from 'bun:test'
import { endpointOf, insertWellKnown } from '../../gateway/oauth/addresses'
import { readChallenge } from '../../gateway/oauth/challenge'
import { clientMetadata } from '../../gateway/oauth/register'
import { readDocument } from '../house/sources'

test('[threat.28] [threat.33] an address is one a person can read: https, ASCII, without logins and fragments', () => {
  const [far, near] = ['https://mcp.example/', 'http://127.0.0.1:1/']
  const good = [
    'https://as.example',
    'https://as.example:8443/a/b?x=1&y=%20',
    'https://xn--bcher-kva.example/~a',
  ]
  const bad = [
    'http://as.example',
    'https://as.example/\u202eelpmaxe',
    'https://as.example/\u200b',
    'https://bücher.example',
    'https:\\\\as.example',
    'https://as.example\\@evil.example',
    'https://a@as.example',
    'https://as.example/#x',
    'https://as.example/"x',
    "https://as.example/'x",
    'https://as.example/`x`',
    'https://as.example/ x',
    ' https://as.example',
    'https://as.example\n',
    'HTTPS://as.example',
    'https:as.example',
    '//as.example',
    'javascript:alert(1)',
    `https://as.example/${'x'.repeat(3000)}`,
    7,
    null,
    undefined,
  ]
  expect(good.filter((text) => endpointOf(text, far) === null)).toEqual([])
  expect(bad.filter((text) => endpointOf(text, far) !== null)).toEqual([])
  const local = 'http://localhost:8080/authorize'
  expect([endpointOf(local, far), endpointOf(local, near)?.href]).toEqual([null, local])
})

test('[oauth.flow] well-known addresses lie between host and path', () => {
  const at = (url: string) => insertWellKnown(new URL(url), 'oauth-authorization-server').href
  expect(at('https://as.example')).toBe('https://as.example/.well-known/oauth-authorization-server')
  expect(at('https://as.example/a/b/')).toBe('https://as.example/.well-known/oauth-authorization-server/a/b')
})

test('[oauth.flow] a challenge is read as servers really send it', () => {
  const read = (header: string) => readChallenge(header)
  const none = { resourceMetadata: null, scope: null, error: null }
  expect(read('Bearer')).toEqual(none)
  expect(read('Basic realm="x"')).toBeNull()
  expect(read('Negotiate abc==, bearer scope="a b" , error=insufficient_scope')).toEqual({
    ...none,
    scope: 'a b',
    error: 'insufficient_scope',
  })
  expect(read('Digest realm="Bearer resource_metadata=\\"x\\"", Bearer realm="r"')).toEqual(none)
  expect(read('Bearer realm="a", Bearer resource_metadata="https://x/y"')?.resourceMetadata).toBe(
    'https://x/y',
  )
  expect(read('Bearer scope="a", scope="b"')?.scope).toBe('a')
  for (const scope of ['a\\"b', 'a\\\\b', 'ä', '', 'a  b', 'a\tb'])
    expect(read(`Bearer scope="${scope}"`)?.scope).toBeNull()
  for (const junk of ['', ',', '=', '"', '\\', ',,= "open \\', 'Bearer resource_metadata', '\u0000'])
    expect(() => read(junk)).not.toThrow()
  expect(read(`${'x '.repeat(100_000)}Bearer scope="a"`)).toBeNull()
})

test('[oauth.flow] the document that stands for McpMux says what a registration says', () => {
  const [, json = '{}'] = /```json\n([^`]+)```/.exec(readDocument('docs/sign-in-at-servers.md')) ?? []
  const { client_id, redirect_uris, token_endpoint_auth_method, ...rest } = JSON.parse(json) as Record<
    string,
    unknown
  >
  const { redirect_uris: _, ...said } = clientMetadata([])
  expect(rest).toEqual(said)
  expect(token_endpoint_auth_method).toBe('none')
  expect(client_id).toMatch(/^https:\/\//)
  expect(redirect_uris).toEqual([
    'http://127.0.0.1:9315/oauth/callback',
    'http://localhost:9315/oauth/callback',
  ])
})
