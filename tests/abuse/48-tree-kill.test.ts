import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parsePsLine, parseStat, treeMembers } from '../../gateway/process/process-table'
import type { ProcessTree } from '../../gateway/process/process-tree'
import { isAlive, newNap, processesWithArgument, waitUntil } from '../support/processes'
import { evil, openStdioLeg, testTrees } from '../support/stdio-leg'

const script = resolve(import.meta.dir, '../servers/stubborn-tree.sh')
const trees = testTrees()

async function startStubborn(nap: string, ...args: string[]): Promise<ProcessTree> {
  const env = { PATH: '/usr/bin:/bin', TEST_NAP: nap }
  const tree = trees.spawn({ command: '/bin/sh', args: [script, ...args], env, cwd: '/' })
  await tree.stdout.getReader().read()
  return tree
}

test('[threat.48] nothing is left of a tree that ignores end of input, TERM and HUP and forked out of its session', async () => {
  const nap = newNap()
  const tree = await startStubborn(nap)
  // A child, a double fork in another session, one in another group, one without environment, the launcher's own.
  await waitUntil('the whole tree is up', () => processesWithArgument(nap).length === 5)
  expect(await tree.stop()).toBe(0)
  expect(processesWithArgument(nap)).toEqual([])
  expect(isAlive(tree.pid)).toBe(false)
})

test('[threat.48] descendants of a launcher that left at once are found and ended', async () => {
  const nap = newNap()
  const tree = await startStubborn(nap, 'orphans')
  expect(await tree.exited).toEqual({ code: 0, signal: null })
  await waitUntil('the orphans are up', () => processesWithArgument(nap).length === 3)
  expect(await tree.stop()).toBe(0)
  expect(processesWithArgument(nap)).toEqual([])
})

test('[threat.48] many stubborn trees stop at the same time', async () => {
  const nap = newNap()
  await Promise.all(Array.from({ length: 8 }, () => startStubborn(nap)))
  await waitUntil('all trees are up', () => processesWithArgument(nap).length === 40)
  await trees.stopAll()
  expect(processesWithArgument(nap)).toEqual([])
})

test('[threat.48] a server that ends with its input is never sent a signal', async () => {
  const tree = trees.spawn({ command: '/bin/cat', args: [], env: {}, cwd: '/' })
  expect(await tree.stop()).toBe(0)
  expect(await tree.exited).toEqual({ code: 0, signal: null })
})

test('[threat.48] a server that ends upon TERM is not killed', async () => {
  const command = 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done'
  const tree = trees.spawn({
    command: '/bin/sh',
    args: ['-c', command],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
  })
  await tree.stdout.getReader().read()
  expect(await tree.stop()).toBe(0)
  expect(await tree.exited).toEqual({ code: 9, signal: null })
})

test('[threat.48] the end of the leader is noticed although a grandchild holds its pipes, and the grandchild ends too', async () => {
  const nap = newNap()
  const command = { command: '/bin/sh', args: ['-c', `sleep ${nap} & exit 5`] }
  await using leg = await openStdioLeg(command)
  expect((await leg.closing())?.message).toContain('code 5')
  await leg.channel.close()
  expect(processesWithArgument(nap)).toEqual([])
})

test('[threat.48] two hundred starts and stops leave descriptors, processes and memory as they were', async () => {
  const cycle = async () => {
    const leg = await openStdioLeg({ command: '/bin/cat', args: [] }, { trees })
    await leg.channel.send(Buffer.from('{"jsonrpc":"2.0","method":"x"}'), null)
    await waitUntil('the echo', () => leg.messages.length === 1)
    await leg[Symbol.asyncDispose]()
  }
  const children = () =>
    readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').trim().split(' ').length
  for (let n = 0; n < 20; n++) await cycle()
  Bun.gc(true)
  const before = {
    fds: readdirSync('/proc/self/fd').length,
    children: children(),
    rss: process.memoryUsage.rss(),
  }
  for (let n = 0; n < 200; n++) await cycle()
  Bun.gc(true)
  await waitUntil('descriptors are closed', () => readdirSync('/proc/self/fd').length <= before.fds + 5)
  expect(children()).toBeLessThanOrEqual(before.children)
  expect(process.memoryUsage.rss() - before.rss).toBeLessThan(64 * 2 ** 20)
})

test('[threat.21] a process started by a server is known as such, others are not', async () => {
  const nap = newNap()
  const tree = await startStubborn(nap)
  await waitUntil('the whole tree is up', () => processesWithArgument(nap).length === 5)
  expect(await trees.owns(tree.pid)).toBe(true)
  const owned = await Promise.all(processesWithArgument(nap).map((pid) => trees.owns(pid)))
  expect(owned.filter(Boolean).length).toBeGreaterThanOrEqual(4)
  expect(await trees.owns(process.pid)).toBe(false)
  expect(await trees.owns(1)).toBe(false)
  await tree.stop()
})

test('[threat.48] a hostile process name does not shift the fields of the process table', () => {
  const rest = `S 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 ${'0 '.repeat(30)}`
  expect(parseStat(42, `42 (a) R 1 1 (b)) ${rest}`)).toEqual({
    pid: 42,
    ppid: 7,
    pgid: 8,
    startTime: '123456',
  })
  expect(parseStat(42, `42 (x) Z ${rest.slice(2)}`)).toBeNull()
})

test('[threat.48] the process table of macOS is read with the mark behind the command', () => {
  const line = `  501     1   501 S    Sun Nov  2 15:18:47 2026     /usr/bin/node server.js HOME=/u _MUX_TREE=ab12-cd34 X=1`
  expect(parsePsLine(line)).toEqual({
    pid: 501,
    ppid: 1,
    pgid: 501,
    startTime: 'Sun_Nov_2_15:18:47_2026',
    mark: 'ab12-cd34',
  })
  expect(parsePsLine('  7 1 7 Z Sun Nov  2 15:18:47 2026 (node)')).toBeNull()
  expect(parsePsLine('no process')).toBeNull()
})

test('[threat.48] membership follows group, mark and parents, and nobody else', () => {
  const row = (pid: number, ppid: number, pgid: number, mark: string | null = null) => ({
    pid,
    ppid,
    pgid,
    mark,
    startTime: '1',
  })
  const rows = [
    row(13, 12, 13),
    row(10, 1, 10),
    row(11, 1, 10),
    row(12, 1, 12, 'm'),
    row(20, 1, 20, 'n'),
    row(21, 2, 21),
  ]
  const pids = (root: number | null, mark: string) =>
    treeMembers(rows, root, mark)
      .map(({ pid }) => pid)
      .sort()
  expect(pids(10, 'm')).toEqual([10, 11, 12, 13])
  expect(pids(null, 'm')).toEqual([12, 13])
})

test('[threat.48] a call in flight fails when its server is stopped, and the server is gone', async () => {
  await using leg = await openStdioLeg(evil('hangs-on-call'))
  void leg.channel.send(
    Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"go"}}'),
    1,
  )
  await leg.channel.close()
  expect(leg.closed()).toEqual({ error: null })
  expect(isAlive(leg.channel.pid)).toBe(false)
})
