import { expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, waitUntil } from '../support/processes'
import { program, startSourceDaemon, tempHome } from '../support/source-daemon'
import { repository } from '../support/daemon'

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  test(`[process] ${signal} drains, stops every server and ends with 0`, async () => {
    await using daemon = await startSourceDaemon()
    const server = join(repository, 'tests/servers/raw-stdio.ts')
    await daemon.cli(['add', 'raw', '--yes', '--', process.execPath, server])
    await daemon.cli(['call', 'raw/echo'])
    const children = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number)
    expect(children.length).toBeGreaterThan(0)
    daemon.kill(signal)
    expect(await daemon.exited).toBe(0)
    await waitUntil('the servers are gone', () => !children.some(isAlive))
    expect((await daemon.cli(['status'])).code).toBe(3)
  })

test('[process] signals that other tools send to probe do not end the gateway', async () => {
  await using daemon = await startSourceDaemon()
  for (const signal of ['SIGPIPE', 'SIGUSR1', 'SIGUSR2'] as const) daemon.kill(signal)
  expect((await daemon.cli(['status'])).code).toBe(0)
})

test('[cli] quit stops the gateway and returns when it is gone', async () => {
  await using daemon = await startSourceDaemon()
  expect(await daemon.cli(['quit'])).toEqual({ code: 0, stdout: 'stopped\n', stderr: '' })
  expect(isAlive(daemon.pid)).toBe(false)
  expect(await daemon.exited).toBe(0)
  expect((await daemon.cli(['quit'])).code).toBe(3)
})

test('[cli] status and tools of an empty gateway say what to do first', async () => {
  await using daemon = await startSourceDaemon()
  const { stdout } = await daemon.cli(['status'])
  expect(stdout).toContain('clients   none yet; "mcpmux key create CLIENT" makes one')
  expect(stdout).toEndWith('no servers yet; add one with "mcpmux add NAME -- COMMAND"\n')
  expect((await daemon.cli(['tools'])).stderr).toStartWith('no tools; "mcpmux status" says')
  await daemon.cli(['key', 'create', 'somebody'])
  expect((await daemon.cli(['status'])).stdout).not.toContain('none yet;')
})

test('[process] a second gateway on the same data folder is refused and names the first', async () => {
  await using daemon = await startSourceDaemon()
  const { code, stdout, stderr } = await daemon.cli(['serve', '--port', '0'])
  expect([code, stdout]).toEqual([5, ''])
  expect(stderr).toContain(`process ${daemon.pid}`)
  expect(stderr).toContain('daemon.running')
  expect((await daemon.cli(['status'])).code).toBe(0)
})

test('[process] a second gateway on the port of the first is refused, and its words name the first', async () => {
  await using daemon = await startSourceDaemon()
  using other = tempHome()
  const { code, stdout, stderr } = await other.cli(['serve', '--port', new URL(daemon.mcpUrl).port])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain(`pid ${daemon.pid}`)
  expect(stderr).toContain('listen.taken')
})

test('[process] after kill -9 the next start takes over at once', async () => {
  using place = tempHome()
  const kept = { ...place, [Symbol.dispose]: () => undefined }
  await using daemon = await startSourceDaemon({}, kept)
  daemon.kill('SIGKILL')
  await daemon.exited
  expect((await daemon.cli(['status'])).code).toBe(3)
  await using next = await startSourceDaemon({}, kept)
  expect((await daemon.cli(['status'])).code).toBe(0)
  next.kill('SIGTERM')
  expect(await next.exited).toBe(0)
})

test('[data] MCPMUX_HOME and --data-dir choose the folder, and it is private', async () => {
  await using daemon = await startSourceDaemon()
  expect(statSync(daemon.dataDir).mode & 0o777).toBe(0o700)
  expect(existsSync(join(daemon.dataDir, 'mcpmux.db'))).toBe(true)
  const elsewhere = await daemon.cli(['status', '--data-dir', join(daemon.home, 'elsewhere')])
  expect(elsewhere.code).toBe(3)
  expect(
    (await daemon.cli(['status', '--data-dir', daemon.dataDir], { env: { MCPMUX_HOME: '/nowhere' } })).code,
  ).toBe(0)
  expect(existsSync(join(daemon.home, 'elsewhere'))).toBe(false)
})

test('[cli] for a person serve prints the endpoint on stdout', async () => {
  using place = tempHome()
  const child = Bun.spawn([...program, 'serve', '--port', '0'], {
    env: { HOME: place.home, PATH: process.env.PATH ?? '', XDG_RUNTIME_DIR: place.home },
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const { value } = await child.stdout.getReader().read()
  expect(new TextDecoder().decode(value)).toMatch(/http:\/\/127\.0\.0\.1:\d+\/mcp/)
  child.kill('SIGINT')
  expect(await child.exited).toBe(0)
})
