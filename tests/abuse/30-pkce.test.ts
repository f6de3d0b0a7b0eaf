// Threat 30: a code is worth nothing without a secret that only this sign-in has.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'bun:test'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { startEvilAs } from '../support/evil-as'
import { signInUnder } from '../support/flow-outcome'
import { openFlowParts } from '../support/flow-parts'

for (const name of modesOf(30))
  test(`[threat.30] [oauth.flow] an authorization server of the kind ${name}`, () =>
    signInUnder(name, ({ outcome, error, evil }) => {
      const expected = modeNamed(name).outcome
      expect(outcome).toBe(expected)
      if (expected === 'works') return
      expect(error).toBe(name === 'grants-without-codes' ? 'oauth.metadata' : 'oauth.no_pkce')
      expect(evil.at('issuer', '/register')).toEqual([])
    }))

test('[threat.30] each sign-in has a verifier of its own, which is sent once, and nowhere written in clear', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const challenges: string[] = []
  for (let turn = 0; turn < 2; turn += 1) {
    const flow = await parts.flows.begin(server.id)
    const asked = new URL(flow.url ?? '').searchParams
    expect(asked.get('code_challenge_method')).toBe('S256')
    challenges.push(asked.get('code_challenge') ?? '')
    const written = () =>
      ['', '-wal'].map((end) => readFileSync(`${parts.stores.file}${end}`).toString('latin1')).join('')
    // Neither the state nor the address with it.
    expect(written()).not.toContain(asked.get('state') ?? '?')
    await parts.browse(evil, flow)
    expect((await parts.over(flow.id)).phase).toBe('done')
    const [sent] = evil.at('issuer', '/token').slice(turn)
    const verifier = sent?.form.get('code_verifier') ?? ''
    expect(verifier).toMatch(/^[\w-]{43,128}$/)
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(challenges[turn] ?? '')
    expect(written()).not.toContain(verifier)
  }
  expect(challenges[0]).not.toBe(challenges[1])
  expect(evil.at('issuer', '/token')).toHaveLength(2)
})
