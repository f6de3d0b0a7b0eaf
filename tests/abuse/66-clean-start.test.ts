// What somebody's shell, or the folder one happens to be in, has Bun do before and beside our program.
import { expect, test } from 'bun:test'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary, cleanEnvironment, eventually, repository, startDaemon } from '../support/daemon'
import { descendantsOf } from '../support/processes'
import { scripted } from '../support/scripted'
import { tempFolder } from '../support/temp-store'

const some = [
  [],
  ['--version'],
  ['help'],
  ['serve', '--help'],
  ['serve', '--port', 'x'],
  ['status'],
  ['quit'],
  ['add', 'x', '--yes', '--', 'true'],
  ['list'],
  ['show', 'x'],
  ['remove', 'x'],
  ['enable', 'x'],
  ['disable', 'x'],
  ['restart', 'x'],
  ['key', 'create', 'x'],
  ['space', 'list'],
  ['tools'],
  ['call', 'x/y', '{}'],
  ['config', 'get'],
  ['logs'],
  ['no-such-command'],
]

/** A program that is put before ours, and notes that it ran, and that it was still there at the end. */
function intruder(folder: string) {
  const file = join(folder, 'intruder.ts')
  const mark = join(folder, 'mark')
  const note = (word: string) => `require('node:fs').appendFileSync(${JSON.stringify(mark)}, '${word} ')`
  writeFileSync(file, `${note('ran')}; process.on('exit', () => ${note('stayed')})`)
  return {
    file,
    /** What it noted since the last time. */
    noted(): string {
      const text = existsSync(mark) ? readFileSync(mark, 'utf8').trim() : ''
      rmSync(mark, { force: true })
      return text
    },
  }
}

const run = (words: readonly string[], folder: string, env: Record<string, string>) =>
  Bun.spawnSync([binary, ...words], {
    cwd: folder,
    env: cleanEnvironment(folder, { MCPMUX_HOME: join(folder, 'data'), ...env }),
    stdin: 'ignore',
  })

/** All of the above, and each command the program names that is not among them. */
function everyCommand(folder: string): readonly string[][] {
  const overview = run(['help'], folder, {}).stdout.toString()
  const named = [...overview.matchAll(/^ {2}mcpmux (\w+)/gm)].map(([, name = '']) => [name])
  expect(named.length).toBeGreaterThan(10)
  return [...some, ...named.filter(([name]) => !some.some(([first]) => first === name))]
}

test('[threat.66] no command runs what lies in the folder it is started in', () => {
  using folder = tempFolder()
  const { file, noted } = intruder(folder.path)
  const write = (name: string, text: string) => writeFileSync(join(folder.path, name), text)
  for (const name of ['bunfig.toml', '.bunfig.toml']) write(name, `preload = [${JSON.stringify(file)}]\n`)
  for (const name of ['.env', '.env.local', '.env.production'])
    write(name, `MCPMUX_HOME=/from-dotenv\nBUN_OPTIONS=--preload=${file}\n`)
  const anything = { '*': [file], '@*': [file], 'node:fs': [file], 'bun:sqlite': [file] }
  write('tsconfig.json', JSON.stringify({ compilerOptions: { baseUrl: '.', paths: anything } }))
  write('package.json', JSON.stringify({ main: file, imports: { '#*': file }, exports: { '.': file } }))
  write('node_modules', '')
  for (const words of everyCommand(folder.path)) {
    const { stdout, stderr } = run(words, folder.path, { XDG_CONFIG_HOME: folder.path })
    expect([words, noted()]).toEqual([words, ''])
    expect(stdout.toString() + stderr.toString()).not.toContain('from-dotenv')
  }
})

// A preload runs before the first line of ours. It does not live to see what the command does.
test('[threat.66] what a variable puts before a command is gone when the command begins', () => {
  using folder = tempFolder()
  const { file, noted } = intruder(folder.path)
  for (const words of everyCommand(folder.path)) {
    run(words, folder.path, { BUN_OPTIONS: `--preload=${file}` })
    expect([words, noted()]).toEqual([words, 'ran'])
  }
  const bunfig = join(folder.path, 'elsewhere.toml')
  writeFileSync(bunfig, `preload = [${JSON.stringify(file)}]\n`)
  const others: Record<string, string>[] = [
    { BUN_INSPECT_PRELOAD: file },
    { NODE_OPTIONS: `--require=${file} --import=${file}` },
    { BUN_CONFIG_FILE: bunfig, BUN_CONFIG: bunfig },
  ]
  for (const env of others) {
    run(['status'], folder.path, env)
    expect([env, noted()]).toEqual([env, ''])
  }
})

test('[threat.66] a program of Bun that does not start anew lives with what was put before it', () => {
  using folder = tempFolder()
  const { file, noted } = intruder(folder.path)
  const env = cleanEnvironment(folder.path, { BUN_OPTIONS: `--preload=${file}` })
  Bun.spawnSync([process.execPath, '-e', '1'], { cwd: folder.path, env })
  expect(noted()).toBe('ran stayed')
})

const steering = {
  BUN_OPTIONS: '--smol',
  BUN_INSPECT_CONNECT_TO: 'unix:///nowhere',
  BUN_CONFIG_VERBOSE_FETCH: 'curl',
  BUN_JSC_useJIT: '0',
  JSC_PROFILER_PATH: '/tmp/profile',
  NODE_OPTIONS: '--no-warnings',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_DEBUG: 'http',
  MCPMUX_NOT_OURS: '1',
  DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere',
}
/** Nothing for a process that ended meanwhile, as one does that is only asked what it speaks. */
function environmentOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/environ`, 'utf8')
    return text.split('\0').map((line) => line.split('=')[0] ?? '')
  } catch {
    return []
  }
}

test('[threat.66] the daemon serves without variables that steer it, and its servers and helpers have none of them', async () => {
  await using daemon = await startDaemon({ env: steering })
  await daemon.ok('add', 'local', '--yes', '--', ...scripted('plain', join(daemon.home, 'server.log')))
  const steered = /^(BUN_|JSC_|NODE_)/
  const own = environmentOf(daemon.pid).filter((name) => steered.test(name))
  expect(own.sort()).toEqual(['BUN_CONFIG_MAX_HTTP_REQUESTS', 'BUN_ENABLE_CRASH_REPORTING'])
  const family = descendantsOf(daemon.pid)
  expect(family.length).toBeGreaterThanOrEqual(2)
  for (const pid of family) {
    const given = environmentOf(pid).filter((name) => steered.test(name) || /^(MCPMUX_|DBUS_)/.test(name))
    expect([pid, given]).toEqual([pid, []])
  }
})

test('[threat.66] where a process cannot start anew, the daemon refuses to serve under such a variable and names it', () => {
  using folder = tempFolder()
  const program = join(repository, 'tests/servers/no-execve.ts')
  const start = (...words: string[]) =>
    Bun.spawnSync([process.execPath, program, ...words], {
      cwd: folder.path,
      env: cleanEnvironment(folder.path, { BUN_OPTIONS: '--smol', NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
      stdin: 'ignore',
    })
  const { exitCode, stdout, stderr } = start('serve', '--port', '0')
  expect([exitCode, stdout.toString()]).toEqual([1, ''])
  expect(stderr.toString()).toContain('unset BUN_OPTIONS, NODE_TLS_REJECT_UNAUTHORIZED')
  expect(stderr.toString()).toContain('daemon.environment')
  expect(existsSync(join(folder.path, '.local'))).toBe(false)
  expect(start('status').exitCode).toBe(3)
})

/** Ends a program the way a mistake in native code does; whether it reported that to the address it was given. */
async function crash(words: string[], folder: string, ready: (text: string) => boolean): Promise<boolean> {
  let reported = false
  const collector = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => {
      reported = true
      return new Response()
    },
  })
  const child = Bun.spawn(words, {
    cwd: folder,
    env: cleanEnvironment(folder, {
      MCPMUX_HOME: join(folder, 'data'),
      BUN_CRASH_REPORT_URL: `http://127.0.0.1:${collector.port}`,
      BUN_ENABLE_CRASH_REPORTING: '1',
    }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const { value } = await child.stdout.getReader().read()
  expect(ready(new TextDecoder().decode(value))).toBe(true)
  child.kill('SIGSEGV')
  await child.exited
  await eventually(
    () => reported,
    (done) => done,
    2000,
  ).catch(() => null)
  await collector.stop(true)
  return reported
}

const reports = Bun.which('curl') !== null
if (!reports) console.warn('skipped: Bun reports crashes with curl, which is not here')

test.skipIf(!reports)(
  '[gw.local] a crash of the daemon is reported to nobody, which Bun itself would do',
  async () => {
    using folder = tempFolder()
    const serve = [binary, 'serve', '--port', '0', '--json']
    expect(await crash(serve, folder.path, (text) => text.includes('mcpUrl'))).toBe(false)
    const plain = [process.execPath, '-e', 'console.log("up"); setInterval(() => {}, 1000)']
    expect(await crash(plain, folder.path, (text) => text.includes('up'))).toBe(true)
  },
)
