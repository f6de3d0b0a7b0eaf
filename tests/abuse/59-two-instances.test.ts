// Several gateways that want the same folder or the same port, and what a killed one leaves in their way.
import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary, cleanEnvironment, eventually, runCli, startDaemon } from '../support/daemon'
import { controlOf } from '../support/control'
import { tempHome } from '../support/source-daemon'

test('[threat.59] of eight gateways started on one folder at once one serves, the others name it and change nothing', async () => {
  using place = tempHome()
  const dataDir = join(place.home, 'data')
  const env = cleanEnvironment(place.home)
  const words = [binary, 'serve', '--port', '0', '--data-dir', dataDir, '--json']
  const children = Array.from({ length: 8 }, () =>
    Bun.spawn(words, { env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' }),
  )
  const ended = () => children.filter((child) => child.exitCode !== null)
  await eventually(ended, (those) => those.length === 7, 60_000)
  const [winner] = children.filter((child) => child.exitCode === null)
  for (const loser of ended()) {
    expect(loser.exitCode).toBe(5)
    expect(await new Response(loser.stdout).text()).toBe('')
    expect(await new Response(loser.stderr).text()).toContain('daemon.running')
  }
  // The others may be gone before it serves.
  await winner?.stdout.getReader().read()
  const status = await runCli(['status', '--data-dir', dataDir], env)
  expect([status.code, status.stdout]).toEqual([0, expect.stringContaining(`process ${winner?.pid}`)])
  winner?.kill('SIGTERM')
  expect(await winner?.exited).toBe(0)
})

test('[threat.59] two folders are two gateways, and the second may not take the port of the first', async () => {
  await using first = await startDaemon()
  await using second = await startDaemon()
  expect(second.mcpUrl).not.toBe(first.mcpUrl)
  using place = tempHome()
  const { port } = new URL(first.mcpUrl)
  const env = cleanEnvironment(place.home)
  const words = ['serve', '--port', port, '--data-dir', join(place.home, 'data')]
  const third = await runCli(words, env)
  expect([third.code, third.stdout]).toEqual([1, ''])
  expect(third.stderr).toContain(`pid ${first.pid}`)
  // A start that failed holds nothing back from the next.
  await using again = await startDaemon({ home: place.home, dataDir: join(place.home, 'data') })
  expect(await again.ok('status')).toContain('no servers yet')
})

test('[threat.72] what kill -9 leaves is in nobody’s way: the lock, the socket, the log of the database', async () => {
  using place = tempHome()
  const dataDir = join(place.home, 'data')
  for (let round = 0; round < 5; round++) {
    const daemon = await startDaemon({ home: place.home, dataDir })
    await controlOf(daemon).send('POST', '/spaces', { name: `round ${round}` })
    daemon.kill('SIGKILL')
    await daemon.exited
    expect(existsSync(join(dataDir, 'mcpmux.lock'))).toBe(true)
    expect(readFileSync(join(dataDir, 'mcpmux.lock'), 'utf8').trim()).toBe(String(daemon.pid))
    expect((await runCli(['status', '--data-dir', dataDir], cleanEnvironment(place.home))).code).toBe(3)
  }
  await using last = await startDaemon({ home: place.home, dataDir })
  expect((await controlOf(last).get<object[]>('/spaces')).length).toBe(6)
})
