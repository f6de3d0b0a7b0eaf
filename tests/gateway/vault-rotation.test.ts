// New keys for the vault of a running gateway, and what its servers and clients notice of that.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { initializeBody, mcpHeaders } from '../support/raw-client'
import { startSourceDaemon } from '../support/source-daemon'

const raw = [process.execPath, join(repository, 'tests/servers/scripted-stdio.ts'), 'shows-environment']
const TOKEN = 'canary-token-5860'

test('[threat.58] [sessions.jwt] new vault keys disturb nobody, new session keys end every session at once', async () => {
  await using daemon = await startSourceDaemon()
  const { cli } = daemon
  await cli(['vault', 'use', 'insecure', '--yes'])
  await cli(['add', 'safe', '--env', 'API_TOKEN', '--yes', '--', ...raw], { env: { API_TOKEN: TOKEN } })
  const key = (await cli(['key', 'create', 'one'])).stdout.trim()
  const initialize = () =>
    fetch(daemon.mcpUrl, { method: 'POST', headers: mcpHeaders(key), body: initializeBody('2025-11-25') })
  const sessionOf = async () => (await initialize()).headers.get('mcp-session-id') ?? ''
  const list = async (id: string) => {
    const body = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'
    const headers = { ...mcpHeaders(key), 'mcp-session-id': id }
    const answer = await fetch(daemon.mcpUrl, { method: 'POST', headers, body })
    return [answer.status, (await answer.text()).includes('safe_environment')]
  }
  const session = await sessionOf()
  expect((await cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN)
  const starts = async () => (await cli(['audit', '--action', 'server.spawned', '--json'])).stdout

  const before = await starts()
  const rotated = await cli(['vault', 'rotate'])
  expect([rotated.code, rotated.stdout]).toEqual([0, expect.stringMatching(/sealed +\d+ values? anew/)])
  expect((await cli(['vault', 'rotate', '--wrapping'])).code).toBe(0)
  const [server] = (await (await daemon.fetch('/servers')).json()) as { id: string }[]
  const patched = { method: 'PATCH', body: JSON.stringify({ position: 0 }) }
  expect((await daemon.fetch(`/servers/${server?.id}`, patched)).status).toBe(200)
  expect(await list(session)).toEqual([200, true])
  expect((await cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN)
  // What is sealed anew is the same value: no server was started again for it.
  expect(await starts()).toBe(before)

  const ended = await cli(['vault', 'rotate', '--sessions'])
  expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('sessions  ended')])
  expect(await list(session)).toEqual([404, false])
  expect(await list(await sessionOf())).toEqual([200, true])
  expect((await cli(['vault', 'rotate', '--sessions', '--all'])).code).toBe(2)
  const audit = (await cli(['audit', '--action', 'vault.rotated', '--json'])).stdout
  const subjects = audit
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { subject: string }).subject)
  expect(subjects).toEqual(['vault', 'wrapping', 'sessions'])
})
