// A server whose tree refuses to end, and each way in which a person can be rid of it, at the compiled program.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Daemon, eventually, repository, startDaemon } from '../support/daemon'
import { newNap, processesWithArgument, waitUntil } from '../support/processes'

const script = join(repository, 'tests/servers/stubborn-tree.sh')
/** Six seconds are promised. */
const LIMIT = 60_000

const ways: Record<string, (daemon: Daemon) => Promise<unknown>> = {
  disable: (daemon) => daemon.ok('disable', 'tree'),
  remove: (daemon) => daemon.ok('remove', 'tree', '--yes'),
  'remove its Space': async (daemon) => daemon.ok('space', 'remove', 'other', '--yes'),
  quit: async (daemon) => {
    await daemon.ok('quit')
    expect(await daemon.exited).toBe(0)
  },
  SIGTERM: async (daemon) => {
    daemon.kill('SIGTERM')
    expect(await daemon.exited).toBe(0)
  },
  SIGINT: async (daemon) => {
    daemon.kill('SIGINT')
    expect(await daemon.exited).toBe(0)
  },
}

async function tryWay(way: string, stop: (daemon: Daemon) => Promise<unknown>): Promise<void> {
  await using daemon = await startDaemon()
  const nap = newNap()
  await daemon.ok('space', 'create', 'other')
  // It never says hello, so that whoever adds it waits.
  const command = ['--env', `TEST_NAP=${nap}`, '--', '/bin/sh', script]
  const adding = daemon.cli('add', 'tree', '--space', 'other', '--yes', ...command)
  await waitUntil('the whole tree is up', () => processesWithArgument(nap).length === 5, LIMIT)
  if (way === 'disable' || way === 'remove') await daemon.ok('space', 'use', 'other')
  await stop(daemon)
  await eventually(
    () => processesWithArgument(nap),
    (pids) => pids.length === 0,
    LIMIT,
  )
  expect([way, (await adding).code === 0]).toEqual([way, false])
}

test('[threat.48] nothing is left of a stubborn tree, whichever way a person is rid of it', async () => {
  await Promise.all(Object.entries(ways).map(([way, stop]) => tryWay(way, stop)))
}, 180_000)
