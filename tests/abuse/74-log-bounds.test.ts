// Logs under attack: hostile names and lines, floods, a full disk, and a crash.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseLine } from '../../gateway/domain/log'
import { cleanEnvironment, eventually, repository } from '../support/daemon'
import { isAlive, residentBytes } from '../support/processes'
import { program, startSourceDaemon, tempHome } from '../support/source-daemon'

const FLOOD_MIB = 256
const place = tempHome()
const enough = join(place.home, 'enough')
const floodServer = join(repository, 'tests/servers/stderr-flood.ts')
const flood = [process.execPath, floodServer, String(FLOOD_MIB), enough]
const echo = [process.execPath, join(repository, 'tests/servers/echo-stdio.ts')]

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
beforeAll(async () => {
  daemon = await startSourceDaemon({}, undefined, [])
  await daemon.cli(['add', '../../x', '--alias', 'flood', '--yes', '--', ...flood])
  await daemon.cli(['add', 'echo', '--yes', '--', ...echo])
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

const folder = () => join(daemon.dataDir, 'logs')
const idOf = async (name: string) =>
  (JSON.parse((await daemon.cli(['show', name, '--json'])).stdout) as { id: string }).id

test('[threat.74] no name of a server becomes a path or a line', async () => {
  const spaces = (await (await daemon.fetch('/spaces')).json()) as { id: string }[]
  const definition = { type: 'stdio', command: '/bin/true', args: [], env: {}, cwd: null }
  const body = { spaceId: spaces[0]?.id, name: '../../x\n\u001b[2J', definition, source: 'cli' }
  expect((await daemon.fetch('/servers', { method: 'POST', body: JSON.stringify(body) })).status).toBe(422)
  expect(readdirSync(folder()).sort()).toEqual(
    [`${await idOf('flood')}.ndjson`, `${await idOf('echo')}.ndjson`, 'audit.ndjson', 'mcpmux.ndjson'].sort(),
  )
  expect(readdirSync(daemon.home).filter((name) => name.startsWith('x'))).toEqual([])
  for (const path of ['..%2F..%2Fx', 'mcpmux', 'audit']) {
    const answer = await daemon.fetch(`/servers/${path}/logs`)
    expect([path, answer.status]).toEqual([path, 404])
  }
})

test('[threat.74] no line of a server can be taken for another, on disk or on a terminal', async () => {
  const text = readFileSync(join(folder(), `${await idOf('flood')}.ndjson`), 'utf8')
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/)
  const lines = text.trimEnd().split('\n').map(parseLine)
  expect(lines).not.toContain(null)
  expect(lines.filter((line) => line?.source === 'Audit')).toEqual([])
  expect(lines.filter((line) => line?.message.includes('forged')).length).toBeGreaterThan(2)
  for (const args of [['flood'], ['flood', '--json'], ['--all'], []]) {
    const { stdout, stderr } = await daemon.cli(['logs', ...args])
    expect([args, /[^\P{C}\n]/u.exec(stdout + stderr)?.[0]]).toEqual([args, undefined])
  }
})

test('[threat.74] a flood is sampled and counted: the disk, the memory and the others are spared', async () => {
  const before = residentBytes(daemon.pid)
  const flooding = daemon.cli(['call', 'flood/echo', '{"message":"done"}'])
  let largest = 0
  let answered = 0
  for (let over = false; !over; ) {
    expect((await daemon.cli(['call', 'echo/echo', '{"message":"hi"}'])).stdout).toContain('hi')
    if (++answered === 3) writeFileSync(enough, '')
    largest = Math.max(largest, residentBytes(daemon.pid))
    over = (await Promise.race([flooding.then(() => 'over'), Bun.sleep(1)])) === 'over'
  }
  expect((await flooding).stdout).toContain('done')
  expect(answered).toBeGreaterThan(2)
  expect(largest - before).toBeLessThan(200 * 2 ** 20)
  const files = readdirSync(folder()).map((name) => statSync(join(folder(), name)))
  expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(2 * 2 ** 20)
  const told = async () => {
    const { stdout } = await daemon.cli(['logs', 'flood', '-n', '10000'])
    return [...stdout.matchAll(/(\d+) lines left out/g)].reduce((sum, [, count]) => sum + Number(count), 0)
  }
  // The answer overtakes what was written before it: that is another pipe, and still being read.
  let last = -1
  await eventually(
    async () => last === (last = await told()),
    (isOver) => isOver,
  )
  // With its end it is told how many were left out since the last line.
  await daemon.cli(['restart', 'flood'])
  expect(await told()).toBeGreaterThan(FLOOD_MIB * 5243 * 0.9)
}, 120_000)

const canMount = Bun.spawnSync(['unshare', '-m', 'true']).success
if (!canMount) console.warn('skipped: a disk of its own needs root, for unshare -m and mount')

test.skipIf(!canMount)(
  '[threat.74] a full disk costs lines and no call; when there is room, how many is told',
  async () => {
    using place = tempHome()
    const dataDir = join(place.home, 'data')
    const logs = join(dataDir, 'logs')
    mkdirSync(logs, { recursive: true, mode: 0o700 })
    const script =
      'mount -t tmpfs -o size=128k,mode=700 tmpfs "$1" && shift && exec "$@" serve --port 0 --json'
    const child = Bun.spawn(['unshare', '-m', 'sh', '-c', script, 'sh', logs, ...program], {
      env: cleanEnvironment(place.home, { MCPMUX_HOME: dataDir }),
      stdout: 'pipe',
      stderr: 'ignore',
    })
    const ready = child.stdout.getReader()
    await ready.read()
    const cli = (...args: string[]) => place.cli(args, { env: { MCPMUX_HOME: dataDir } })
    try {
      await cli('add', 'echo', '--yes', '--', ...echo)
      // The folder as the gateway sees it.
      const inside = join('/proc', String(child.pid), 'root', logs)
      const text = () =>
        readdirSync(inside)
          .filter((name) => name.endsWith('.ndjson'))
          .map((name) => readFileSync(join(inside, name), 'utf8'))
          .join('')
      expect(text()).toContain('echo: connected')
      try {
        for (;;) writeFileSync(join(inside, 'filler'), 'x'.repeat(512), { flag: 'a' })
      } catch {
        // Full.
      }
      for (let n = 0; n < 30; n++) {
        expect((await cli('call', 'echo/echo', `{"message":"call ${n}"}`)).stdout).toContain(`call ${n}`)
        if (n % 10 === 0) expect((await cli('restart', 'echo')).code).toBe(0)
      }
      expect((await cli('logs')).code).toBe(0)
      rmSync(join(inside, 'filler'))
      await eventually(
        async () => {
          await cli('restart', 'echo')
          return text()
        },
        (all) => /"message":"\d+ lines could not be written to the disk".*"missing":\d+/.test(all),
      )
      const lines = text().trimEnd().split('\n')
      expect(lines.filter((line) => parseLine(line) === null)).toEqual([])
      expect((await cli('quit')).code).toBe(0)
    } finally {
      child.kill('SIGKILL')
      await child.exited
    }
  },
  120_000,
)

test('[threat.74] a crash of the gateway is told to nobody on the network', async () => {
  const reports: string[] = []
  using collector = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      reports.push(request.url)
      return new Response()
    },
  })
  const env = {
    BUN_CRASH_REPORT_URL: `http://127.0.0.1:${collector.port}`,
    BUN_ENABLE_CRASH_REPORTING: '1',
  }
  using place = tempHome()
  const crash = async (words: string[]) => {
    const child = Bun.spawn([process.execPath, ...words], {
      env: cleanEnvironment(place.home, { MCPMUX_HOME: join(place.home, 'data'), ...env }),
      stdout: 'pipe',
      stderr: 'ignore',
    })
    await child.stdout.getReader().read()
    const own = existsSync(`/proc/${child.pid}`) ? readFileSync(`/proc/${child.pid}/environ`, 'latin1') : ''
    child.kill('SIGSEGV')
    await child.exited
    expect(isAlive(child.pid)).toBe(false)
    return own
  }
  const environment = await crash([join(repository, 'gateway/main.ts'), 'serve', '--port', '0', '--json'])
  // Without this the runtime would tell on macOS and Windows by itself.
  expect(environment.split('\0')).toContain('BUN_ENABLE_CRASH_REPORTING=0')
  expect(environment).not.toContain('BUN_CRASH_REPORT_URL')
  // The same crash of a program that does nothing against it is reported: the collector works.
  await crash(['-e', 'console.log("up"); setInterval(() => {}, 1000)'])
  await eventually(
    () => reports.length,
    (count) => count > 0,
  )
  expect(reports).toHaveLength(1)
})
