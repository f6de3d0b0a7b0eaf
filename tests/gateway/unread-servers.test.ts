// Servers whose tools were never read: who calls one hears what is in the way, not that there is no such tool.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { systemRuntime } from '../../gateway/runtime'
import { startEvilAs } from '../support/evil-as'
import { type KeyringDaemon, startKeyringDaemon } from '../support/keyring-daemon'
import { createMemoryKeychain } from '../support/memory-keychain'
import { oauthGateway } from '../support/oauth-gateway'
import { scripted } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

let daemon: KeyringDaemon
beforeAll(async () => {
  daemon = await startKeyringDaemon()
})
afterAll(() => daemon[Symbol.asyncDispose]())

test('[cli] a call of a server that was never read says what is in the way, and what to do', async () => {
  await using evil = await startEvilAs()
  expect((await daemon.cli(['add', 'guarded', '--yes', '--url', evil.mcpUrl])).code).toBe(4)
  const command = scripted('plain')
  const poor = await daemon.cli(['add', 'poor', '--yes', '--env', 'T=${secret:gone}', '--', ...command])
  expect(poor.code).toBe(4)
  const [space] = (await (await daemon.fetch('/spaces')).json()) as { id: string }[]
  const [program = '', ...args] = command
  const body = JSON.stringify({
    ...{ spaceId: space?.id, name: 'typed', source: 'cli', consent: { givenBy: 'cli' } },
    definition: { type: 'stdio', command: program, args, env: { T: '${input:level}' }, cwd: null },
    inputs: [{ id: 'level', secret: false, value: null }],
  })
  expect((await daemon.fetch('/servers', { method: 'POST', body })).status).toBe(200)
  const told = async (target: string) => {
    const { code, stdout, stderr } = await daemon.cli(['call', target])
    return [code, stdout, stderr]
  }
  expect(await told('guarded/whoami')).toEqual([
    4,
    '',
    'mcpmux: server asks for a sign-in: it wants you to sign in; `mcpmux login guarded` does that (upstream.unauthorized)\n',
  ])
  // Its name for clients says which server it is of.
  expect(await told('guarded_whoami')).toEqual(await told('guarded/whoami'))
  expect(await told('poor/echo')).toEqual([
    4,
    '',
    'mcpmux: server needs a value that is not set: ${secret:gone} ("mcpmux secret set gone") (upstream.needs_input)\n',
  ])
  expect(await told('typed/echo')).toEqual([
    4,
    '',
    'mcpmux: server needs a value that is not set: level ("mcpmux credentials set typed level") (upstream.needs_input)\n',
  ])
  // Who lists the tools is told whose are not there.
  const { stdout, stderr } = await daemon.cli(['tools'])
  expect(stdout).toBe('')
  expect(stderr.split('\n')).toEqual([
    'no tools; "mcpmux status" says what keeps them away',
    'guarded was not read yet: sign-in needed: mcpmux login guarded (nobody is signed in)',
    'poor was not read yet: needs ${secret:gone} ("mcpmux secret set gone")',
    'typed was not read yet: needs level ("mcpmux credentials set typed level")',
    '',
  ])

  expect((await daemon.cli(['credentials', 'set', 'typed', 'level', 'high', '--yes'])).code).toBe(0)
  const { code, stdout: answer } = await daemon.cli(['call', 'typed/echo', '{"text":"here"}'])
  expect([code, answer]).toEqual([0, expect.stringContaining('here')])
  const unknown = await daemon.cli(['call', 'typed/nothing'])
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    'mcpmux: unknown feature: it has no tool "nothing"; "mcpmux tools" lists what there is (feature.unknown)\n',
  ])
})

test('[cli] [cred.inputs] a call of a server that was never read and whose secrets are locked says that', async () => {
  const [place, keychain] = [tempHome(), createMemoryKeychain()]
  const before = await oauthGateway(systemRuntime, place, keychain)
  const input = { id: 'KEY', secret: true, value: 'of-a-person' }
  const headers = { 'X-Key': '${input:KEY}' }
  const { id } = await before.add('http://127.0.0.1:1/mcp', 'guarded', headers, [input])
  const call = (mux: typeof before) => mux.control.send('POST', `/servers/${id}/call?tool=echo`, {})
  await expect(call(before)).rejects.toThrow('the connection was refused')
  await before.gateway.stop()
  keychain.trouble = 'locked'
  await using after = await oauthGateway(systemRuntime, place, keychain)
  await expect(call(after)).rejects.toThrow('vault.locked')
  await expect(call(after)).rejects.toThrow('mcpmux vault status')
})
