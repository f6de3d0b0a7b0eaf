// What the daemon does about mistakes of its own: the small ones cost a request, the others end it.
import { expect, test } from 'bun:test'
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../../gateway/config'
import { createControlFetch } from '../../gateway/control/connect'
import { GatewayError } from '../../gateway/errors'
import { startGateway } from '../../gateway/gateway'
import { type Runtime, systemRuntime } from '../../gateway/runtime'
import { eventually, startDaemon } from '../support/daemon'
import { descendantsOf, isAlive, waitUntil } from '../support/processes'
import { initializeBody, mcpHeaders } from '../support/raw-client'
import { openCaller, scripted, textOf } from '../support/scripted'
import { startSourceDaemon, tempHome } from '../support/source-daemon'

test('[threat.72] a mistake nobody caught is one line of the log; calls in flight and later ones go on, and the end is a good one', async () => {
  await using daemon = await startSourceDaemon({}, tempHome(), [], 'tests/servers/faulty-daemon.ts')
  await daemon.cli(['add', 'local', '--yes', '--', ...scripted('plain', join(daemon.home, 'local.log'))])
  const key = (await daemon.cli(['key', 'create', 'one'])).stdout.trim()
  const caller = await openCaller(daemon, key)
  const open = caller.call('local_slow', { ms: 1500 })
  for (let n = 0; n < 20; n++) {
    daemon.kill('SIGUSR2')
    await Bun.sleep(20)
  }
  await waitUntil('both mistakes are told', () => /promise nobody[\s\S]*in a timer/.test(daemon.log()))
  const lines = daemon.log().split('\n')
  const faults = lines.filter((line) => line.startsWith('fault: '))
  expect(new Set(faults.map((line) => line.slice(0, 30)))).toEqual(
    new Set(['fault: a promise nobody waited', 'fault: thrown in a timer']),
  )
  expect(lines.filter((line) => /^\s+at /.test(line))).toEqual([])
  expect(textOf(await open)).toBe('slept')
  expect(textOf(await caller.call('local_echo', { text: 'later' }))).toBe('later')
  const { stdout } = await daemon.cli(['logs', '--json'])
  expect(stdout).toContain('fault: thrown in a timer')
  daemon.kill('SIGTERM')
  expect(await daemon.exited).toBe(0)
})

/** A gateway in this process, whose world can be made to break. */
async function inProcess(home: string, patch: (runtime: Runtime) => Partial<Runtime>) {
  const dataDir = join(home, 'data')
  const config = { ...readConfig(dataDir), runtimeDir: home }
  const said: string[] = []
  const runtime = { ...systemRuntime, ...patch(systemRuntime) }
  const gateway = await startGateway(config, { runtime, port: 0, report: (line) => said.push(line) })
  const control = createControlFetch(config)
  const ask = async (method: string, path: string, body?: object) =>
    (
      await control(`http://localhost${path}`, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    ).json()
  return { gateway, said, ask }
}

test('[threat.72] a mistake in a request is its answer, without its words, and the next request is answered', async () => {
  using place = tempHome()
  let broken = false
  const { gateway, said, ask } = await inProcess(place.home, ({ randomBytes }) => ({
    randomBytes(length) {
      if (broken) throw new Error('no dice at /home/someone')
      return randomBytes(length)
    },
  }))
  const { key } = (await ask('POST', '/keys', { client: 'one' })) as { key: string }
  const open = () =>
    fetch(gateway.mcpUrl, { method: 'POST', headers: mcpHeaders(key), body: initializeBody() })
  broken = true
  const failed = await open()
  expect([failed.status, await failed.json()]).toMatchObject([500, { error: { code: -32603 } }])
  broken = false
  expect((await open()).status).toBe(200)
  expect(said.filter((line) => line.includes('no dice'))).toEqual(['fault: no dice at /home/someone'])
  await gateway.stop()
  expect(await gateway.stopped).toBeNull()
})

test('[threat.72] a gateway whose pulse stops does not pretend: it ends by itself and says why', async () => {
  using place = tempHome()
  let broken = false
  const { gateway } = await inProcess(place.home, ({ sleep }) => ({
    sleep: (ms, signal) =>
      ms === 1000 && broken ? Promise.reject(new Error('no clock')) : sleep(Math.min(ms, 50), signal),
  }))
  broken = true
  const breach = await gateway.stopped
  expect(breach).toBeInstanceOf(GatewayError)
  expect(breach?.code).toBe('internal')
  expect(fetch(gateway.mcpUrl)).rejects.toThrow()
})

test('[threat.72] a daemon whose data folder is moved away ends its servers and itself, with a code that says so', async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain', join(daemon.home, 'local.log')))
  const family = descendantsOf(daemon.pid)
  expect(family.length).toBeGreaterThanOrEqual(2)
  const moved = join(daemon.home, 'moved')
  renameSync(daemon.dataDir, moved)
  expect(await daemon.exited).toBe(1)
  await waitUntil('its processes are gone', () => !family.some(isAlive))
  await using again = await startDaemon({ home: daemon.home, dataDir: moved })
  expect(await again.ok('list')).toContain('local')
  expect(existsSync(join(moved, 'mcpmux.db'))).toBe(true)
})

test('[threat.72] a folder that took the place of the data folder is not taken for it', async () => {
  using place = tempHome()
  const { gateway } = await inProcess(place.home, ({ sleep }) => ({
    sleep: (ms, signal) => sleep(Math.min(ms, 50), signal),
  }))
  renameSync(join(place.home, 'data'), join(place.home, 'old'))
  const second = await inProcess(place.home, () => ({}))
  expect(
    (
      await eventually(
        () => gateway.stopped,
        (breach) => breach !== null,
      )
    )?.code,
  ).toBe('store.gone')
  expect((await fetch(second.gateway.mcpUrl)).status).toBe(401)
  await second.gateway.stop()
})
