// The token of the admin door is in the memory of the daemon and nowhere else.
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createControlFetch } from '../../gateway/control/connect'
import { readConfig } from '../../gateway/config'
import { cleanEnvironment, eventually, repository, startDaemon } from '../support/daemon'
import { everyFile } from '../support/files'
import { descendantsOf, listeningPorts } from '../support/processes'
import { scripted } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

const lookedAt = (pid: number): string =>
  ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'latin1')).join('\n')

test('[threat.22] the admin token is in no argument, no environment and no file of the daemon and its servers', async () => {
  using place = tempHome()
  const dataDir = join(place.home, 'data')
  const program = join(repository, 'tests/servers/known-token-daemon.ts')
  const child = Bun.spawn([process.execPath, program, dataDir], {
    env: cleanEnvironment(place.home),
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const { value } = await child.stdout.getReader().read()
  const { adminUrl, secrets } = JSON.parse(new TextDecoder().decode(value)) as {
    adminUrl: string
    secrets: string[]
  }
  const status = (token: string) =>
    fetch(`${adminUrl}/status`, { headers: { Authorization: `Bearer ${token}` } })
  const opening: string[] = []
  for (const token of secrets) if ((await status(token)).ok) opening.push(token)
  expect(opening.length).toBe(1)
  const [token = ''] = opening
  const added = await place.cli([
    ...['add', 'local', '--yes', '--data-dir', dataDir, '--'],
    ...scripted('plain', join(place.home, 'server.log')),
  ])
  expect([added.code, added.stderr]).toEqual([0, expect.any(String)])
  const family = [child.pid, ...descendantsOf(child.pid)]
  expect(family.length).toBeGreaterThan(2)
  for (const pid of family) expect([pid, lookedAt(pid).includes(token)]).toEqual([pid, false])
  expect(everyFile(place.home)).not.toContain(token)
  const control = createControlFetch({ ...readConfig(dataDir), runtimeDir: place.home })
  for (const path of ['/status', '/servers', '/settings', '/spaces'])
    expect(await (await control(`http://localhost${path}`)).text()).not.toContain(token)
  await child.stdin.end()
  await child.exited
  expect(everyFile(place.home)).not.toContain(token)
})

test('[threat.22] SIGUSR1 opens no inspector, nor does a variable that asks for one', async () => {
  await using daemon = await startDaemon({
    env: { BUN_INSPECT: 'ws://127.0.0.1:0/inspect', NODE_OPTIONS: '--inspect=0', BUN_OPTIONS: '--inspect=0' },
  })
  const own = [daemon.mcpUrl, daemon.adminUrl].map((url) => Number(new URL(url).port)).sort((a, b) => a - b)
  daemon.kill('SIGUSR1')
  await daemon.ok('status')
  expect(listeningPorts(daemon.pid)).toEqual(own)
  for (const pid of descendantsOf(daemon.pid)) expect([pid, listeningPorts(pid)]).toEqual([pid, []])
})

test('[threat.22] Bun itself does open an inspector for such a variable', async () => {
  using place = tempHome()
  const child = Bun.spawn([process.execPath, '-e', 'console.log(1); setInterval(() => {}, 1000)'], {
    env: cleanEnvironment(place.home, { BUN_INSPECT: 'ws://127.0.0.1:0/inspect' }),
    stdout: 'pipe',
    stderr: 'ignore',
  })
  await child.stdout.getReader().read()
  await eventually(
    () => listeningPorts(child.pid).length,
    (many) => many === 1,
  )
  child.kill('SIGKILL')
})
