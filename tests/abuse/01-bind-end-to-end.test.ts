// What the compiled program listens on, whatever it is told.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { eventually, runCli, cleanEnvironment, startDaemon } from '../support/daemon'
import { processTree } from '../bench/programs'

const others = [
  '0.0.0.0',
  '::',
  '[::]',
  '0',
  '0x0',
  '0.0',
  '::0',
  '::ffff:0.0.0.0',
  '*',
  '10.0.0.1',
  '127.0.0.2',
  'localhost.',
  'evil.example',
]

/** Addresses the TCP listeners of a process and its children are bound to. */
function bound(pid: number): string[] {
  const pids = new Set(processTree(pid).map(String))
  return Bun.spawnSync(['ss', '-ltnpH'])
    .stdout.toString()
    .split('\n')
    .filter((line) => [...line.matchAll(/pid=(\d+)/g)].some(([, owner]) => pids.has(owner ?? '')))
    .map((line) => line.trim().split(/\s+/)[3] ?? '')
}

test('[threat.01] [gw.local] every listener of the running program is on loopback, and no other address can be set', async () => {
  await using daemon = await startDaemon()
  const listening = bound(daemon.pid)
  // The endpoint on both families and the admin door on one.
  expect(listening.length).toBeGreaterThanOrEqual(2)
  expect(listening.filter((address) => !/^(127\.0\.0\.1|\[::1\]):\d+$/.test(address))).toEqual([])
  for (const host of [...others, '']) {
    const { code, stderr } = await daemon.cli('config', 'set', 'host', host)
    expect([host, code === 0, stderr.length > 0]).toEqual([host, false, true])
  }
  expect((await daemon.ok('config', 'get', 'host')).trim()).toContain('localhost')
})

test('[threat.01] a start with another address ends with a sentence and a code, on the command line and in the database', async () => {
  await using daemon = await startDaemon()
  const env = cleanEnvironment(daemon.home)
  const start = (folder: string, ...args: string[]) =>
    runCli(['serve', '--port', '0', '--data-dir', folder, ...args], env)
  for (const host of others) {
    const { code, stdout, stderr } = await start(join(daemon.home, 'other'), '--host', host)
    expect([host, code === 0, stdout]).toEqual([host, false, ''])
    expect([host, /listen\.not_loopback|input\.invalid/.test(stderr)]).toEqual([host, true])
  }
  daemon.kill('SIGTERM')
  await daemon.exited
  const database = new Database(join(daemon.dataDir, 'mcpmux.db'))
  database.run("INSERT OR REPLACE INTO settings (key, value) VALUES ('host', '\"0.0.0.0\"')")
  database.close()
  // Whoever wrote this into the file gets no listener of it: the start fails, or takes loopback.
  const child = Bun.spawn(
    [
      join(import.meta.dir, '../../dist/mcpmux'),
      'serve',
      '--port',
      '0',
      '--data-dir',
      daemon.dataDir,
      '--json',
    ],
    { env, stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' },
  )
  const state = () => (child.exitCode === null ? bound(child.pid) : ['ended'])
  const seen = await eventually(state, (addresses) => addresses.length > 0)
  expect(
    seen.filter((address) => address !== 'ended' && !/^(127\.0\.0\.1|\[::1\]):\d+$/.test(address)),
  ).toEqual([])
  child.kill('SIGKILL')
  await child.exited
}, 120_000)
