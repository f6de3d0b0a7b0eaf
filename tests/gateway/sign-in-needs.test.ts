// Why a person is needed at a server, when more than one thing is.
import { expect, test } from 'bun:test'
import { eventually } from '../support/daemon'
import { startEvilAs } from '../support/evil-as'
import { movedClock } from '../support/flow-parts'
import { oauthGateway } from '../support/oauth-gateway'
import { textOf } from '../support/scripted'

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
}, 60_000)
