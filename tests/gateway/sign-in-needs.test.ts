// Why a person is needed at a server, when more than one thing is.
import { expect, test } from 'bun:test'
import { eventually } from '../support/daemon'
import { startEvilAs } from '../support/evil-as'
import { movedClock } from '../support/flow-parts'
import { oauthGateway } from '../support/oauth-gateway'
import { textOf } from '../support/scripted'
import { tokenIssuer } from '../support/token-issuer'
import { tokenParts } from '../support/token-parts'

test('[oauth.refresh] [threat.39] who has to sign in anew is told that, whatever more a tool wants meanwhile', async () => {
  const runtime = movedClock()
  await using evil = await startEvilAs()
  await using mux = await oauthGateway(runtime)
  const { id } = await mux.add(evil.mcpUrl)
  await mux.signIn(id)
  const whoami = () => mux.caller.call('guarded_whoami', {})
  await eventually(whoami, (answer) => answer.error === undefined)
  // Its issuer renews nothing any more, and what was given last is good for some minutes.
  for (const family of evil.grants.families.values()) family.refresh.length = 0
  runtime.move(51 * 60_000)
  expect(textOf(await whoami())).toContain('tools:read')
  const needs = async () => (await mux.view(id)).signIn
  await eventually(needs, (signIn) => signIn?.needs === 'refused')
  const lacking = await mux.caller.call('guarded_admin', {})
  expect(lacking.error?.message).toContain('its sign-in does not count any more')
  expect(await needs()).toMatchObject({ needs: 'refused', wantedScope: 'tools:admin' })
  // One sign-in is enough for both.
  const { scope } = await mux.control.send<{ scope: string }>('POST', `/servers/${id}/login`, {})
  expect(scope.split(' ').toSorted()).toEqual(['offline_access', 'tools:admin', 'tools:read'])
})

test('[oauth.refresh] what its tokens make of a server at rest', async () => {
  using issuer = tokenIssuer()
  const runtime = movedClock()
  await using parts = await tokenParts(issuer, { runtime })
  const cases = [
    ['none', null, null, 'first', 'first'],
    ['good', null, 'a refresh token', null, null],
    ['fewer-rights', 'scope', 'a refresh token', null, null],
    // They are sent as long as they may count.
    ['refused', 'refused', 'a refresh token', null, 'refused'],
    ['not-renewable', null, null, null, 'expired'],
    ['noted-expired', 'expired', null, null, 'expired'],
  ] as const
  const servers = cases.map(([name, needs, refresh]) => {
    const server = parts.server(`https://${name}.example/mcp`, name)
    // Where nobody signed in, that alone is known.
    parts.needs.wanted(server.id)
    if (name === 'none') return server
    const { definition } = server
    const resource = definition.type === 'http' ? definition.url : ''
    const { family: _, ...grant } = issuer.begin(resource, runtime.now())
    const binding = { serverId: server.id, spaceId: server.spaceId, issuer: issuer.url, resource }
    const tokens = refresh === null ? { ...grant, refreshToken: null } : grant
    parts.tokens.accept(binding, issuer.registration, issuer.metadata, tokens)
    if (needs !== null) parts.stores.tokens.mark(binding, 1, needs, null)
    return server
  })
  expect(servers.map(parts.needs.of)).toEqual(cases.map(([, , , now]) => now))
  runtime.move(2 * 3_600_000)
  expect(servers.map(parts.needs.of)).toEqual(cases.map(([, , , , later]) => later))
  // Nothing of that is known of a server at another address.
  const [first, second] = servers
  const definition = { type: 'http', url: 'https://elsewhere.example/mcp', headers: {} } as const
  for (const { id } of [first, second].filter((one) => one !== undefined)) {
    const moved = parts.stores.servers.update(id, { definition })
    expect(parts.needs.of(moved)).toBeNull()
  }
})
