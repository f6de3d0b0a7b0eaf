// Servers that let everybody in, and ask for a sign-in when something is wanted of them.
import { expect, test } from 'bun:test'
import { startEvilAs } from '../support/evil-as'
import { startGuardedGateway } from '../support/guarded-gateway'
import { walk } from '../support/sign-in-walk'

test('[oauth.flow] a server that wants a sign-in for its lists alone says so, and has them afterwards', async () => {
  await using gateway = await startGuardedGateway()
  await using evil = await startEvilAs({ mode: 'handshake-for-everybody' })
  const serverId = await gateway.add(evil.mcpUrl)
  expect(await gateway.connect(serverId)).toBe('needs_authorization')
  expect((await walk(gateway, evil, serverId)).outcome).toBe('works')
  expect(await gateway.connect(serverId)).toBe('ready')
  expect(await gateway.call(serverId, 'whoami')).toContain('whoami')
})

test('[oauth.flow] one whose sign-in is refused when its lists are read again says so', async () => {
  await using gateway = await startGuardedGateway()
  await using evil = await startEvilAs({ mode: 'handshake-for-everybody' })
  const serverId = await gateway.add(evil.mcpUrl)
  await walk(gateway, evil, serverId)
  expect(await gateway.connect(serverId)).toBe('ready')
  for (const family of evil.grants.families.values()) family.revoked = true
  expect(await gateway.connect(serverId)).toBe('needs_authorization')
})
