// Threat 29: an answer counts only when it comes from the authorization server that was asked (RFC 9207), refusals too.
import { expect, test } from 'bun:test'
import { codeIn } from '../../gateway/oauth/answer'
import { GatewayError } from '../../gateway/errors'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { signInUnder } from '../support/flow-outcome'
import { metadataOf } from '../support/oauth-parts'

for (const name of modesOf(29))
  test(`[threat.29] [oauth.flow] the answer names its server: ${name}`, () =>
    signInUnder(name, ({ outcome, error, detail, evil, parts }) => {
      const expected = modeNamed(name).outcome
      expect([outcome, parts.accepted.length]).toEqual([expected, expected === 'works' ? 1 : 0])
      if (expected === 'works') return
      expect(error).toBe('oauth.answer_invalid')
      // Not a word of somebody else.
      expect(detail).not.toContain('words of another')
      expect(evil.at('issuer', '/token')).toEqual([])
      expect(evil.secretsAt('other')).toEqual([])
    }))

test('[threat.29] the whole table: whether it says it names itself, and what is there', () => {
  const issuer = 'https://as.example'
  const outcome = (namesItself: boolean, iss: string | null, more: string) => {
    const query = `${more}&state=s${iss === null ? '' : `&iss=${encodeURIComponent(iss)}`}`
    try {
      return codeIn(new URL(`http://127.0.0.1/cb?${query}`), metadataOf(issuer, { namesItself })).reveal()
    } catch (error) {
      return error instanceof GatewayError ? error.code : 'no'
    }
  }
  const rows: [boolean, string | null, string][] = [
    [true, issuer, 'c'],
    [true, null, 'oauth.answer_invalid'],
    [true, 'https://evil.example', 'oauth.answer_invalid'],
    [false, issuer, 'c'],
    [false, null, 'c'],
    [false, `${issuer}/`, 'oauth.answer_invalid'],
    [false, '', 'oauth.answer_invalid'],
    [false, 'https://AS.example', 'oauth.answer_invalid'],
    [false, 'https://as.example:443', 'oauth.answer_invalid'],
  ]
  expect(rows.map(([names, iss]) => [names, iss, outcome(names, iss, 'code=c')] as const)).toEqual(rows)
  // A refusal of the right one is told as one; of any other, it is no answer.
  expect(
    rows.map(([names, iss]) => outcome(names, iss, 'error=access_denied&error_description=boo')),
  ).toEqual(rows.map(([, , is]) => (is === 'c' ? 'oauth.denied' : is)))
})
