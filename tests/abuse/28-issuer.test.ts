// Threat 28: an authorization server is who it says it is by exactly the text it was named with.
import { expect, test } from 'bun:test'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { signInUnder } from '../support/flow-outcome'

for (const name of modesOf(28))
  test(`[threat.28] [oauth.flow] an authorization server of the kind ${name}`, () =>
    signInUnder(name, ({ outcome, error, evil, parts }) => {
      const expected = modeNamed(name).outcome
      expect([outcome, parts.accepted.length]).toEqual([expected, expected === 'works' ? 1 : 0])
      if (expected === 'works') return
      expect(error).toMatch(/^oauth\.(?:issuer_mismatch|metadata)$/)
      // Nothing that its document named was used.
      const places = ['/authorize', '/token', '/register', '/revoke']
      expect(evil.log.filter(({ path }) => places.some((place) => path.endsWith(place)))).toEqual([])
      expect(parts.flows.list()).toEqual([])
    }))

test('[threat.28] the well-known addresses are asked in the order of the standard, and no more of them than needed', () =>
  signInUnder('issuer-openid-appended', ({ evil }) => {
    const asked = evil.at('issuer').filter(({ path }) => path.includes('well-known'))
    expect(asked.map(({ path }) => path)).toEqual([
      '/.well-known/oauth-authorization-server/tenant',
      '/.well-known/openid-configuration/tenant',
      '/tenant/.well-known/openid-configuration',
    ])
  }))
