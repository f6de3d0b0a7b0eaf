// A disk that fills up, and a folder that may not be written, under the compiled gateway.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { controlOf } from '../support/control'
import { cleanEnvironment, runCli, startDaemon } from '../support/daemon'
import { openCaller, scripted, textOf } from '../support/scripted'
import { tempHome } from '../support/source-daemon'
import { tempFolder } from '../support/temp-store'

const canMount = Bun.spawnSync(['unshare', '-m', 'true']).success
if (!canMount) console.warn('skipped: a disk of its own needs root, for unshare -m and mount')

/** Words that run a program with a small disk of its own at `folder`. */
const onDiskOf = (size: string, folder: string): string[] => [
  ...['unshare', '-m', 'sh', '-c'],
  `mount -t tmpfs -o size=${size},mode=700 tmpfs "$1" && shift && exec "$@"`,
  ...['sh', folder],
]

/** Takes all space there is; returns what gives it back. */
function fill(folder: string): () => void {
  const file = join(folder, 'filler')
  for (const size of [65_536, 4096, 512, 1])
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size))
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC')
    }
  return () => rmSync(file)
}

/** What the database says of itself, looked at in a copy. */
function integrityOf(folder: string, room: string): unknown {
  for (const name of ['mcpmux.db', 'mcpmux.db-wal'])
    if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(room, name))
  const copy = new Database(join(room, 'mcpmux.db'))
  const verdict = Object.values(
    copy.prepare<Record<string, unknown>, []>('PRAGMA integrity_check').get() ?? {},
  )
  copy.close()
  return verdict[0]
}

test.skipIf(!canMount)(
  '[threat.59] on a full disk calls, lists and new sessions go on, writes fail with a code, and all is well once there is space',
  async () => {
    using place = tempHome()
    using room = tempFolder()
    const dataDir = join(place.home, 'data')
    mkdirSync(dataDir)
    await using daemon = await startDaemon({ home: place.home, dataDir, through: onDiskOf('6m', dataDir) })
    const disk = `/proc/${daemon.pid}/root${dataDir}`
    await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain', join(place.home, 'local.log')))
    const key = (await daemon.ok('key', 'create', 'one')).trim()
    const before = await openCaller(daemon, key)
    const control = controlOf(daemon)
    const kept: string[] = []
    const refusal = async (): Promise<string> => {
      for (let n = 0; n < 500; n++) {
        const name = `space ${kept.length}`
        try {
          await control.send('POST', '/spaces', { name })
          kept.push(name)
        } catch (error) {
          return String(error)
        }
      }
      return 'never'
    }
    const names = async () => (await control.get<{ name: string }[]>('/spaces')).map(({ name }) => name)

    for (let round = 0; round < 2; round++) {
      const empty = fill(disk)
      expect(await refusal()).toContain('store.unwritable')
      const created = await daemon.cli('key', 'create', 'two')
      expect([created.code, created.stderr]).toEqual([
        1,
        expect.stringContaining('no space left on the disk'),
      ])
      for (let n = 0; n < 20; n++)
        expect(textOf(await before.call('local_echo', { text: `full ${n}` }))).toBe(`full ${n}`)
      expect(await before.names()).toContain('local_echo')
      const during = await openCaller(daemon, key)
      expect(textOf(await during.call('local_echo', { text: 'new session' }))).toBe('new session')
      await during.end()
      await daemon.ok('restart', 'local')
      expect(textOf(await before.call('local_echo', { text: 'restarted' }))).toBe('restarted')
      expect(await names()).toEqual(['Default', ...kept])
      empty()
      await control.send('POST', '/spaces', { name: `space ${kept.length}` })
      kept.push(`space ${kept.length}`)
      expect(await names()).toEqual(['Default', ...kept])
      expect(integrityOf(disk, room.path)).toBe('ok')
    }
    fill(disk)
    daemon.kill('SIGTERM')
    expect(await daemon.exited).toBe(0)
  },
  120_000,
)

test.skipIf(!canMount)(
  '[threat.59] a start on a full disk says what is missing and is no damage',
  async () => {
    using place = tempHome()
    const dataDir = join(place.home, 'data')
    mkdirSync(dataDir)
    const script =
      'head -c 8m /dev/zero > "$MCPMUX_HOME/filler" 2>/dev/null; "$@" > "$HOME/first" 2>&1; rm "$MCPMUX_HOME/filler"; exec "$@"'
    const words = [...onDiskOf('4m', dataDir), 'sh', '-c', script, 'sh']
    await using daemon = await startDaemon({
      home: place.home,
      dataDir,
      through: words,
      env: { MCPMUX_HOME: dataDir },
    })
    const first = await Bun.file(join(place.home, 'first')).text()
    expect(first).toContain('store.unwritable')
    expect(first).toContain('no space left on the disk')
    expect(first).not.toContain('    at ')
    expect(await daemon.ok('status')).toContain('no servers yet')
  },
)

test.skipIf(!canMount)('[threat.59] a data folder on a read-only disk is named, and what to do', async () => {
  using place = tempHome()
  const dataDir = join(place.home, 'data')
  mkdirSync(dataDir)
  const child = Bun.spawnSync(
    [
      ...['unshare', '-m', 'sh', '-c'],
      'mount -t tmpfs -o ro tmpfs "$1" && shift && exec "$@"',
      ...['sh', dataDir, join(import.meta.dir, '../../dist/mcpmux'), 'serve', '--port', '0'],
    ],
    { env: cleanEnvironment(place.home, { MCPMUX_HOME: dataDir }) },
  )
  const said = child.stderr.toString()
  expect([child.exitCode, child.stdout.toString()]).toEqual([1, ''])
  expect(said).toContain('store.unwritable')
  expect(said).toContain(dataDir)
  expect(said).toContain('another with --data-dir')
  expect(said).not.toContain('    at ')
})

test('[threat.59] a data folder that is closed while the gateway runs costs it nothing that it has open', async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain', join(daemon.home, 'local.log')))
  const caller = await openCaller(daemon, (await daemon.ok('key', 'create', 'one')).trim())
  chmodSync(daemon.dataDir, 0o500)
  expect(textOf(await caller.call('local_echo', { text: 'closed' }))).toBe('closed')
  await daemon.ok('restart', 'local')
  expect(textOf(await caller.call('local_echo', { text: 'restarted' }))).toBe('restarted')
  await daemon.ok('space', 'create', 'later')
  daemon.kill('SIGTERM')
  expect(await daemon.exited).toBe(0)
  await using again = await startDaemon({ home: daemon.home, dataDir: daemon.dataDir })
  expect(await again.ok('space', 'list')).toContain('later')
  expect((await runCli(['status', '--data-dir', daemon.dataDir], cleanEnvironment(daemon.home))).code).toBe(0)
})
