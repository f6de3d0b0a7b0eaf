// What the daemon has in memory, seen by other programs of the same user, and after a crash.
import { afterAll, expect, test } from 'bun:test'
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { binary as built, cleanEnvironment, eventually } from '../support/daemon'
import { descendantsOf, isAlive } from '../support/processes'

const NOBODY = 65534
const isRoot = process.getuid?.() === 0
/** Root may look into everything, so that these tests are somebody else. */
const asUser = isRoot
  ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  : ['/usr/bin/env']
const WITH_CORES = ['/bin/sh', '-c', 'ulimit -c "$(ulimit -H -c)"; exec "$@"', 'sh']

// The folder for temporary files of a test run, and that of the program, may be closed to the other user.
const shared = mkdtempSync('/tmp/mux-user-')
chmodSync(shared, 0o755)
const binary = join(shared, 'mcpmux')
copyFileSync(built, binary)
afterAll(() => rmSync(shared, { recursive: true, force: true }))

function userFolder() {
  const home = mkdtempSync(join(shared, 'home-'))
  if (isRoot) chownSync(home, NOBODY, NOBODY)
  return { home, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) }
}

async function serve(home: string) {
  const words = [...WITH_CORES, ...asUser, binary, 'serve', '--port', '0', '--json']
  const child = Bun.spawn(words, {
    cwd: home,
    env: cleanEnvironment(home, { TMPDIR: home }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const { value } = await child.stdout.getReader().read()
  const { mcpUrl } = JSON.parse(new TextDecoder().decode(value)) as { mcpUrl: string }
  return { child, mcpUrl, [Symbol.dispose]: () => child.kill('SIGKILL') }
}

/** What a program of the same user is answered. */
function run(home: string, ...words: string[]): { ok: boolean; said: string } {
  const { success, stdout, stderr } = Bun.spawnSync([...asUser, ...words], {
    cwd: home,
    env: cleanEnvironment(home),
  })
  return { ok: success, said: stdout.toString() + stderr.toString() }
}

const cores = (home: string) => readdirSync(home).filter((name) => name.startsWith('core'))

/** Whether a program that crashes leaves a core file where it ran. */
function leavesCore(): boolean {
  if (!/^core/.test(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'))) return false
  using place = userFolder()
  Bun.spawnSync([...WITH_CORES, ...asUser, '/bin/sh', '-c', 'kill -SEGV $$'], { cwd: place.home })
  return cores(place.home).length > 0
}

const dumps = process.platform === 'linux' && leavesCore()
if (!dumps) console.warn('skipped: this system writes no core files into the folder of a program')

test.skipIf(process.platform !== 'linux')(
  '[threat.61] another program of the same user can read neither its memory nor its environment nor its files',
  async () => {
    using place = userFolder()
    using daemon = await serve(place.home)
    const { pid } = daemon.child
    for (const words of [
      ['cat', `/proc/${pid}/environ`],
      ['dd', `if=/proc/${pid}/mem`, 'bs=1', 'count=1'],
      ['cat', `/proc/${pid}/maps`],
      ['ls', `/proc/${pid}/fd/`],
    ])
      expect([words, run(place.home, ...words)]).toEqual([
        words,
        { ok: false, said: expect.stringMatching(/[Pp]ermission denied/) },
      ])
    const control = run(place.home, 'sh', '-c', 'cat /proc/$$/environ | head -c 1')
    expect(control.ok).toBe(true)
    const [reaper = 0] = descendantsOf(pid)
    expect(run(place.home, 'cat', `/proc/${reaper}/environ`)).toMatchObject({ ok: true })
  },
)

test.skipIf(process.platform !== 'linux')(
  '[threat.07] a daemon that holds the port is named though nobody may look into it',
  async () => {
    using place = userFolder()
    using daemon = await serve(place.home)
    const { port } = new URL(daemon.mcpUrl)
    const second = run(place.home, binary, 'serve', '--data-dir', join(place.home, 'other'), '--port', port)
    expect(second.ok).toBe(false)
    expect(second.said).toContain('listen.taken')
    expect(second.said).toContain(`pid ${daemon.child.pid}`)
  },
)

for (const signal of ['SIGSEGV', 'SIGABRT'] as const)
  test.skipIf(!dumps)(`[threat.61] a daemon that ends with ${signal} leaves no core file`, async () => {
    using place = userFolder()
    using daemon = await serve(place.home)
    daemon.child.kill(signal)
    await daemon.child.exited
    await eventually(
      () => isAlive(daemon.child.pid),
      (alive) => !alive,
    )
    expect(daemon.child.signalCode).toBe(signal)
    expect(cores(place.home)).toEqual([])
  })
