// Threat 27: what a server says of itself must be of the address the person gave, else no browser is opened.
import { expect, test } from 'bun:test'
import { coversUrl } from '../../gateway/oauth/resource-metadata'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { signInUnder } from '../support/flow-outcome'

for (const name of modesOf(27))
  test(`[threat.27] [oauth.flow] metadata of the server: ${name}`, () =>
    signInUnder(name, ({ outcome, error, evil, parts }) => {
      const expected = modeNamed(name).outcome
      expect([outcome, parts.accepted.length]).toEqual([expected, expected === 'works' ? 1 : 0])
      if (expected === 'works') return
      expect(error).toBe('oauth.resource_mismatch')
      // Nobody was asked for anything: not the person, not the authorization server.
      expect(parts.flows.list()).toEqual([])
      expect(evil.at('issuer')).toEqual([])
      expect(evil.secretsAt('other')).toEqual([])
    }))

test('[threat.27] a resource is the address itself or one above it, spelled as a parser spells it', () => {
  const url = new URL('https://host.example/a/mcp')
  const good = [
    'https://host.example/a/mcp',
    'https://host.example/a',
    'https://host.example/a/',
    'https://host.example',
  ]
  const bad = [
    'https://host.example/a/m',
    'https://host.example/a/mcp/',
    'https://host.example/b',
    'https://host.example/a/mcp?x=1',
    'https://host.example:8443/a/mcp',
    'https://host.example:443/a/mcp',
    'http://host.example/a/mcp',
    'HTTPS://host.example/a/mcp',
    'https://HOST.example/a/mcp',
    'https://sub.host.example/a/mcp',
    'https://host.example.evil.example/a/mcp',
    'https://host.example@evil.example/a/mcp',
    'https://user@host.example/a/mcp',
    'https://host.example/a/../a/mcp',
    'https://host.example/a/mcp#x',
    'https://host.example./a/mcp',
    'https://höst.example/a/mcp',
    'file:///a/mcp',
    '',
  ]
  expect(good.filter((resource) => !coversUrl(resource, url))).toEqual([])
  expect(bad.filter((resource) => coversUrl(resource, url))).toEqual([])
  expect(coversUrl('https://host.example/a/mcp?t=1', new URL('https://host.example/a/mcp?t=1'))).toBe(true)
})
