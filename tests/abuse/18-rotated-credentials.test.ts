// A credential that changes counts from the very next call, in its own Space only.
import { expect, test } from 'bun:test'
import { startRawRemote } from '../servers/raw-remote'
import { controlOf } from '../support/control'
import { startDaemon } from '../support/daemon'
import { startKeyring } from '../support/keyring'
import { openCaller, textOf } from '../support/scripted'

interface Named {
  id: string
  name: string
}

test('[threat.18] [space.isolation] one URL in two Spaces: a new credential is used from the next call on, by its own Space', async () => {
  await using remote = startRawRemote()
  await using keyring = await startKeyring()
  await using daemon = await startDaemon({ env: { ...keyring.env, X_CANARY: 'first' } })
  const control = controlOf(daemon)
  const spaces: { space: string; server: string; call: () => Promise<string | undefined> }[] = []
  for (const space of ['work', 'home']) {
    await daemon.ok('space', 'create', space)
    await daemon.ok(
      'add',
      'there',
      '--space',
      space,
      '--yes',
      '--url',
      remote.url('json'),
      '--header',
      'X-Canary',
    )
    const key = (await daemon.ok('key', 'create', space, '--space', space)).trim()
    const { id } = (await control.get<Named[]>('/spaces')).find(({ name }) => name === space) ?? { id: '' }
    const [server] = await control.get<Named[]>(`/servers?space=${id}`)
    const caller = await openCaller(daemon, key)
    spaces.push({
      space,
      server: server?.id ?? '',
      call: async () => textOf(await caller.call('there_canary')),
    })
  }
  const said = () => Promise.all(spaces.map(({ call }) => call()))
  expect(await said()).toEqual(['first', 'first'])
  const now = ['first', 'first']
  for (let round = 0; round < 40; round++) {
    const turn = round % 2
    const value = `${spaces[turn]?.space}-${round}`
    await control.send('PUT', `/servers/${spaces[turn]?.server}/values`, {
      values: [{ id: 'X-Canary', value }],
    })
    now[turn] = value
    expect([round, await said()]).toEqual([round, [...now]])
  }
}, 120_000)
