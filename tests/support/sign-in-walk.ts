// One sign-in at the hostile authorization server, from end to end, and what must hold wherever it ends.
import { expect } from 'bun:test'
import { modeNamed } from '../servers/evil-as-modes'
import type { Outcome } from '../servers/evil-as-world'
import { type EvilAs, startEvilAs } from './evil-as'
import type { Flow, GuardedGateway } from './guarded-gateway'

export interface Walk {
  outcome: Outcome
  /** What the gateway says of it: its refusal, or the flow as it ended. */
  said: string
  flow: Flow | null
  /** The page the browser ended on; empty where there was none. */
  page: string
}

/** A server under this mode, for as long as `look` takes. Waits are short where a mode makes them long. */
export async function underMode(
  gateway: GuardedGateway,
  name: string,
  look: (evil: EvilAs, serverId: string) => Promise<void>,
): Promise<void> {
  await using evil = await startEvilAs({ mode: name })
  gateway.hurry = /-(?:slow|silent)$/.test(name) ? 50 : 1
  const serverId = await gateway.add(evil.mcpUrl)
  try {
    await look(evil, serverId)
    nothingLeaked(evil)
  } finally {
    gateway.hurry = 1
    await gateway.remove(serverId)
  }
  nothingLeaked(evil)
}

/** The way of a person, as far as it goes. */
export async function walk(gateway: GuardedGateway, evil: EvilAs, serverId: string): Promise<Walk> {
  let flow: Flow
  try {
    flow = await gateway.login(serverId)
  } catch (error) {
    return { outcome: 'refused before the browser', said: (error as Error).message, flow: null, page: '' }
  }
  const { flow: over, page } = await gateway.browse(evil, flow)
  const said = `${over.phase} ${over.error ?? ''} ${over.detail ?? ''}`
  if (over.phase !== 'done') {
    // An address nobody may reach is refused before anything is sent.
    const asked = over.error === 'oauth.unreachable' || evil.at('issuer', tokenPath(evil)).length > 0
    return { outcome: asked ? 'refused at token' : 'refused at callback', said, flow: over, page }
  }
  return { outcome: 'works', said, flow: over, page }
}

/** What the token endpoint was asked with, in order. */
export const grantsIn = (evil: EvilAs): (string | null)[] =>
  evil.at('issuer', tokenPath(evil)).map(({ form }) => form.get('grant_type'))

const pathOf = (evil: EvilAs) => new URL(evil.issuer).pathname.replace(/\/$/, '')
export const tokenPath = (evil: EvilAs): string => `${pathOf(evil)}/token`
export const authorizePath = (evil: EvilAs): string => `${pathOf(evil)}/authorize`

/** Tokens go to the server alone, codes and what proves us to the issuer alone, nothing to anybody else. */
function nothingLeaked(evil: EvilAs): void {
  expect(evil.secretsAt('other')).toEqual([])
  for (const { path, headers, query, body } of evil.at('resource')) {
    expect([
      path,
      body.includes('code_verifier'),
      /\b(?:code|refresh|secret)-/.test(`${query} ${body}`),
    ]).toEqual([path, false, false])
    if (path !== '/mcp') expect([path, headers.get('authorization')]).toEqual([path, null])
  }
  for (const { path, headers, query, body } of evil.at('issuer')) {
    // A registration is ended with a token of its own (RFC 7592).
    const isManaged = path.startsWith('/register/')
    const carriesToken = headers.get('authorization')?.startsWith('Bearer ') ?? false
    expect([path, carriesToken && !isManaged]).toEqual([path, false])
    if (!path.endsWith('/token') && !path.endsWith('/revoke'))
      expect([path, /\b(?:code|access|refresh|secret)-[\da-f]/.test(`${query} ${body}`)]).toEqual([
        path,
        false,
      ])
  }
}

/** Texts of servers stay what a person can read: no markup that acts, nothing for a terminal, no second line. */
export function isPlain(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(text)
}

/** Walks one mode and holds it against what the table says a right client does. */
export async function walkMode(gateway: GuardedGateway, name: string): Promise<void> {
  await underMode(gateway, name, async (evil, serverId) => {
    const { outcome: expected } = modeNamed(name)
    const { outcome, said, flow, page } = await walk(gateway, evil, serverId)
    const first = expected === 'credential untouched' || expected === 'bounded' ? 'works' : expected
    expect([outcome, said]).toEqual([first, said])
    expect(isPlain(said)).toBe(true)
    const visits = evil.at('issuer', authorizePath(evil)).length
    const trades = grantsIn(evil).filter((type) => type === 'authorization_code').length
    switch (outcome) {
      case 'refused before the browser':
        expect({ visits, trades, flow }).toEqual({ visits: 0, trades: 0, flow: null })
        break
      case 'refused at callback':
        expect({ visits, trades }).toEqual({ visits: 1, trades: 0 })
        break
      default:
        expect({ visits, trades }).toEqual({ visits: 1, trades: name.startsWith('token-inside') ? 0 : 1 })
    }
    if (outcome !== 'works') {
      expect(gateway.stored(serverId)).toEqual([])
      expect(await gateway.state(serverId)).not.toBe('ready')
      expect(evil.at('resource', '/mcp').some(({ headers }) => headers.has('authorization'))).toBe(false)
      return
    }
    expect(page).not.toContain('code-')
    expect(gateway.stored(serverId)).toHaveLength(1)
    expect([expected, await gateway.connect(serverId)]).toEqual([
      expected,
      expected === 'bounded' ? 'needs_authorization' : 'ready',
    ])
    if (expected === 'works') expect(await gateway.call(serverId, 'whoami')).toContain('whoami')
    if (expected === 'bounded') await asksWithoutEnd(gateway, evil, serverId)
    if (expected === 'credential untouched') await refreshFails(gateway, evil, serverId, name)
  })
}

/** The authorization server heard it and says no, so a person is asked. */
const decided = /invalid-(?:grant|client)$|error-with-200$|error-description-hostile$/

/** The next refresh meets what the mode has for it. */
async function refreshFails(gateway: GuardedGateway, evil: EvilAs, serverId: string, name: string) {
  expect(await gateway.call(serverId, 'whoami')).toContain('whoami')
  const before = gateway.stored(serverId)
  evil.grants.expireAccess()
  await expect(gateway.call(serverId, 'whoami')).rejects.toThrow()
  expect(grantsIn(evil).slice(0, 2)).toEqual(['authorization_code', 'refresh_token'])
  expect(gateway.stored(serverId)).toEqual(before)
  evil.mode = 'honest'
  gateway.later(120_000)
  if (decided.test(name)) {
    expect(await gateway.state(serverId)).toBe('needs_authorization')
    expect(gateway.stored(serverId)).toEqual(before)
  } else expect(await gateway.call(serverId, 'whoami')).toContain('whoami')
}

/** A server that is never content is believed three times, and its authorization server is asked once for each token. */
async function asksWithoutEnd(gateway: GuardedGateway, evil: EvilAs, serverId: string): Promise<void> {
  const visits = () => evil.at('issuer', authorizePath(evil)).length
  const isScope = evil.mode.startsWith('scope-')
  let last = ''
  while (last === '' && visits() <= 3) {
    expect(await gateway.connect(serverId)).toBe('needs_authorization')
    const refreshes = grantsIn(evil).filter((type) => type === 'refresh_token').length
    expect(refreshes).toBeLessThanOrEqual(isScope ? 0 : visits())
    await gateway.login(serverId).then(
      (flow) => gateway.browse(evil, flow),
      (error: Error) => {
        last = error.message
      },
    )
  }
  if (!isScope) return
  expect(visits()).toBeLessThanOrEqual(3)
  // What fits into no address is not asked for at all.
  expect(last).toContain(evil.mode === 'scope-giant' ? 'oauth.metadata' : 'oauth.scope_refused')
}
