// Clients and their keys from the command line: made, told apart, pinned, replaced and removed.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { ClientView } from '../../gateway/admin/client-view'
import type { KeyView } from '../../gateway/admin/keys'
import { openSession } from '../support/door'
import { startSourceDaemon } from '../support/source-daemon'

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
beforeAll(async () => {
  daemon = await startSourceDaemon()
})
afterAll(() => daemon[Symbol.asyncDispose]())

const run = (...args: string[]) => daemon.cli(args)
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  expect([args, code, stderr]).toEqual([args, 0, expect.any(String)])
  return stdout.trimEnd()
}
const json = async <T>(...args: string[]) => JSON.parse(await ok(...args, '--json')) as T
const keysOf = (client: string) => json<KeyView[]>('key', 'list', client)

test('[keys] [cli] a client has several keys, told apart by a label, with an end that is told in advance', async () => {
  const first = await ok('key', 'create', 'Editor', '--label', 'laptop', '--expires', '3d')
  await ok('key', 'create', 'editor', '--label', 'desk')
  await openSession(daemon.mcpUrl, first)
  const keys = await keysOf('editor')
  expect(keys.map(({ client, label, state, hint }) => [client, label, state, hint])).toEqual([
    ['Editor', 'laptop', 'in use', first.slice(-4)],
    ['Editor', 'desk', 'in use', expect.any(String)],
  ])
  const table = (await ok('key', 'list')).split('\n')
  expect(table[0]).toMatch(/^CLIENT +KEY +LABEL +STATE +CREATED +EXPIRES +LAST USED +ID$/)
  expect(table[1]).toMatch(/^Editor +…\w{4} +laptop +in use, ends in 2 days /)
  expect(table[2]).toMatch(/^Editor +…\w{4} +desk +in use +\S+ +never +never +\S+$/)
  // One of its keys does not end, so that there is nothing to warn of.
  expect(await ok('status')).not.toContain('rotate it')
  await ok('key', 'revoke', 'Editor/desk')
  expect(await ok('status')).toMatch(/client +Editor has no key that counts after \S+; rotate it/)
  expect((await run('key', 'list', 'nobody')).stderr).toContain('key.unknown')
})

test('[keys] [cli] a key is rotated by client, label or id; several need a name, and a wrong time says so', async () => {
  await ok('key', 'create', 'Tool', '--label', 'a', '--expires', '30d')
  await ok('key', 'create', 'Tool', '--label', 'b')
  expect((await run('key', 'rotate', 'Tool')).code).toBe(2)
  const { stdout, stderr } = await run('key', 'rotate', 'Tool/a', '--overlap', '1h')
  expect([stdout, stderr]).toEqual([expect.stringMatching(/^mcp_\w{49}\n$/), expect.stringContaining('1h')])
  const [old, , fresh] = await keysOf('Tool')
  expect([old?.state, old?.replacedBy, fresh?.label]).toEqual(['replaced', fresh?.id ?? '', 'a'])
  const lifetime = (key: KeyView | undefined) => Math.round(((key?.expiresAt ?? 0) - Date.now()) / 3_600_000)
  expect([lifetime(old), lifetime(fresh)]).toEqual([1, 720])
  expect(await ok('key', 'edit', old?.id ?? '', '--label', 'old', '--expires', '2h')).toContain('replaced')
  expect((await run('key', 'edit', 'Tool/b')).code).toBe(2)
  for (const expires of ['yesterday', '2020-01-01', '-1d'])
    expect((await run('key', 'create', 'Tool', `--expires=${expires}`)).code).toBe(2)
  expect((await run('key', 'rotate', 'Tool/b', '--overlap', '91d')).code).toBe(2)
  expect((await run('key', 'list', '--overlap', '1h')).code).toBe(2)
  expect((await keysOf('Tool')).length).toBe(3)
})

test('[threat.26] [cli] several keys, a client, a server and a Space go only when a person agrees', async () => {
  await ok('space', 'create', 'Gone')
  await ok('add', 'nowhere', '--url', 'http://127.0.0.1:9/mcp', '--yes').catch(() => '')
  const asks = [
    ['key', 'revoke', 'Tool'],
    ['client', 'remove', 'Tool'],
    ['remove', 'nowhere'],
    ['space', 'remove', 'Gone'],
  ]
  for (const words of asks) {
    const { code, stderr } = await run(...words)
    expect([words, code, stderr]).toEqual([words, 4, expect.stringContaining('--yes')])
    const asked = await daemon.onTerminal(words, [['[y/N]', 'n\n']])
    expect([words, asked.code, asked.unasked]).toEqual([words, 4, []])
  }
  expect((await keysOf('Tool')).some(({ state }) => state === 'revoked')).toBe(false)
  const yes = await daemon.onTerminal(['key', 'revoke', 'Tool'], [['[y/N]', 'y\n']])
  expect(yes.code).toBe(0)
  expect((await keysOf('Tool')).every(({ state }) => state === 'revoked')).toBe(true)
  for (const words of asks.slice(2)) await ok(...words, '--yes')
})

test('[keys] [cli] client list and show say what each may use and what it calls itself', async () => {
  const key = await ok('key', 'create', 'Shown')
  await openSession(daemon.mcpUrl, key)
  const shown = (await json<ClientView[]>('client', 'list')).find(({ name }) => name === 'Shown')
  expect(shown).toMatchObject({
    space: 'Default',
    sets: ['All'],
    remark: null,
    sessions: [expect.anything()],
  })
  expect(await ok('client', 'list')).toMatch(/^Shown +Default +All +1 +0 +1 +\S+$/m)
  const text = await ok('client', 'show', 'shown')
  expect(text).toContain('may use   Default: All')
  expect(text).toMatch(new RegExp(`…${key.slice(-4)} +in use +never`))
  expect(text).toMatch(/SESSION, AS IT CALLS ITSELF +PROTOCOL +LAST SEEN\n\S+ .* 2025-11-25 /)
  expect(text).not.toContain(key)
  expect((await run('client', 'show', 'nobody')).stderr).toContain('client.unknown')
})

test('[space.switch] [cli] a client is pinned or follows; without a grant there it is told that it sees nothing', async () => {
  await ok('space', 'create', 'Work')
  const pinned = await run('client', 'pin', 'Shown', '--space', 'work')
  expect([pinned.code, pinned.stdout]).toEqual([0, 'Shown: Work\n'])
  expect(pinned.stderr).toContain('has no grant in Space Work and sees nothing there')
  expect(await ok('status')).toContain('Shown has no grant in Space Work')
  expect(await ok('client', 'pin', 'Shown', '--follow')).toBe('Shown: Default (follows)')
  for (const wrong of [[], ['--follow', '--space', 'Work']])
    expect((await run('client', 'pin', 'Shown', ...wrong)).code).toBe(2)
  expect((await run('client', 'list', '--follow')).code).toBe(2)
})

test('[keys] [cli] a client is renamed without losing anything, and removed with all it has', async () => {
  expect(await ok('client', 'rename', 'Shown', 'Seen')).toBe('renamed to Seen')
  expect((await run('client', 'rename', 'Seen', 'Editor')).code).toBe(5)
  expect((await keysOf('Seen')).length).toBe(1)
  expect(await ok('client', 'remove', 'Seen', '--yes')).toBe('removed Seen')
  expect((await run('client', 'show', 'Seen')).code).toBe(1)
  const actions = (await ok('audit', '--action', 'client.*')).split('\n').map((line) => line.split(/ +/)[1])
  expect(actions.slice(-4)).toEqual(['client.changed', 'client.changed', 'client.changed', 'client.removed'])
})
