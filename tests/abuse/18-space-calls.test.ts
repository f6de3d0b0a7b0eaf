// The very same definition in two Spaces, over stdio and at one URL, with other secrets: every result carries the mark
// of its own Space.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { startRawRemote } from '../servers/raw-remote'
import { controlOf } from '../support/control'
import { repository, startDaemon } from '../support/daemon'
import { startKeyring } from '../support/keyring'
import { type Caller, openCaller, textOf } from '../support/scripted'

const CALLS = 10_000
const AT_ONCE = 50

interface Stored {
  id: string
  name: string
  alias: string
  definition: unknown
}

test('[threat.18] [space.isolation] of 10 000 calls that interleave over two Spaces with one definition and other secrets, each is answered by its own', async () => {
  await using remote = startRawRemote()
  await using keyring = await startKeyring()
  await using daemon = await startDaemon({ env: { ...keyring.env, CANARY: 'nobody', X_CANARY: 'nobody' } })
  const control = controlOf(daemon)
  const program = [process.execPath, join(repository, 'tests/servers/raw-stdio.ts')]
  const callers: { space: string; caller: Caller }[] = []
  const definitions: unknown[] = []
  for (const space of ['work', 'home']) {
    await daemon.ok('space', 'create', space)
    const place = ['--space', space, '--yes']
    await daemon.ok('add', 'here', ...place, '--env', 'CANARY', '--', ...program)
    await daemon.ok('add', 'there', ...place, '--url', remote.url('json'), '--header', 'X-Canary')
    const { id } = (await control.get<Stored[]>('/spaces')).find(({ name }) => name === space) ?? { id: '' }
    const servers = await control.get<Stored[]>(`/servers?space=${id}`)
    definitions.push(servers.map(({ name, alias, definition }) => ({ name, alias, definition })))
    for (const server of servers)
      await control.send('PUT', `/servers/${server.id}/values`, {
        values: [{ id: server.name === 'here' ? 'CANARY' : 'X-Canary', value: `${space} ${server.name}` }],
      })
    const key = (await daemon.ok('key', 'create', `client-${space}`, '--space', space)).trim()
    callers.push({ space, caller: await openCaller(daemon, key) })
  }
  expect(definitions[0]).toEqual(definitions[1])
  expect(definitions[0]).toHaveLength(2)

  let next = 0
  const wrong: string[] = []
  const work = async () => {
    for (let n = next++; n < CALLS; n = next++) {
      const { space, caller } = callers[n % 2] ?? {}
      const server = n % 4 < 2 ? 'here' : 'there'
      const said = caller && textOf(await caller.call(`${server}_canary`))
      if (said !== `${space} ${server}`) wrong.push(`${n} ${server} of ${space}: ${said}`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(wrong).toEqual([])
  expect(next).toBeGreaterThanOrEqual(CALLS)
}, 120_000)
