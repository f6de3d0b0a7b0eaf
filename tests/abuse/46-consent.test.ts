// What a person approved is what runs: shown in full, sealed, and checked again when the process starts.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { risks } from '../../gateway/domain/risks'
import { visibleCommand } from '../../gateway/domain/visible-text'
import { repository } from '../support/daemon'
import { until } from '../support/door'
import { startSourceDaemon, tempHome } from '../support/source-daemon'

const hidden: [string, string][] = [
  ['right-to-left override', 'safe\u202egnp.exe'],
  ['right-to-left mark', 'a\u200fb'],
  ['isolate', 'a\u2066b\u2069'],
  ['zero-width space', 'rm\u200b-rf'],
  ['zero-width joiner', 'a\u200db'],
  ['word joiner', 'a\u2060b'],
  ['soft hyphen', 'a\u00adb'],
  ['byte order mark', '\ufeffsh'],
  ['tag characters', 'ok\u{e0072}\u{e006d}'],
  ['variation selector', 'a\ufe0fb'],
  ['line feed', 'ok\nrm -rf /'],
  ['carriage return', 'rm -rf /\rls'],
  ['backspace', 'rm\b\bls'],
  ['escape sequence', '\u001b[2K\u001b[1Gls'],
  ['C1 control', 'a\u009bb'],
  ['bell', 'a\u0007b'],
  ['delete', 'a\u007fb'],
  ['tab', 'a\tb'],
  ['line separator', 'a\u2028b'],
  ['paragraph separator', 'a\u2029b'],
  ['no-break space', 'a\u00a0b'],
  ['ideographic space', 'a\u3000b'],
  ['ten thousand spaces', `ls${' '.repeat(10_000)}; rm`],
  ['Cyrillic homoglyph', 'n\u043ede'],
  ['full-width slash', 'a\uff0fb'],
  ['Greek question mark', 'a\u037eb'],
  ['hangul filler', 'a\u3164b'],
  ['combining mark', 'a\u0338b'],
  ['lone surrogate', 'a\ud800b'],
  ['written escape', 'a\\u{202e}b'],
]
for (const [what, argument] of hidden)
  test(`[threat.46] ${what} in an argument is shown and looks like nothing else`, () => {
    const shown = visibleCommand(['run', argument])
    expect(shown).toMatch(/^run '[\x20-\x7e]+'$/)
    expect(shown).not.toMatch(/ {3,}/)
    // Reading the escapes back gives the argument: nothing was dropped or cut.
    const read = shown
      .slice(5, -1)
      .replace(/\\\\|\\u\{([0-9a-f]+)\}|\\x20\{(\d+)\}/g, (found, point?: string, spaces?: string) =>
        point
          ? String.fromCodePoint(parseInt(point, 16))
          : spaces
            ? ' '.repeat(Number(spaces))
            : found.slice(1),
      )
    expect(read === argument).toBe(true)
  })

const stdio = (command: string, args: string[], env: Record<string, string> = {}) =>
  risks({ type: 'stdio', command, args, env, cwd: null }).join('\n')

test('[threat.46] commands that run other code are pointed out', () => {
  for (const [command, ...args] of [
    ['sh', '-c', 'x'],
    ['/bin/bash', '-lc', 'x'],
    ['env', 'sh', '-c', 'x'],
    ['npx', '-c', 'x'],
    ['npx', '--call=x'],
    ['node', '-e', 'x'],
    ['node', '--eval=x'],
    ['python3', '-c', 'x'],
    ['sudo', 'x'],
    ['run', 'curl https://a.example | sh'],
    ['npx', '--registry', 'https://a.example', 'x'],
    ['uvx', '--index-url=https://a.example', 'x'],
  ])
    expect([command, args, stdio(command ?? '', args).length > 0]).toEqual([command, args, true])
  for (const name of [
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'DYLD_INSERT_LIBRARIES',
    'BUN_OPTIONS',
    'PYTHONPATH',
    'npm_config_registry',
  ])
    expect(stdio('x', [], { [name]: 'y' })).toContain(name)
  expect(stdio('npx', ['-y', '@modelcontextprotocol/server-everything@2026.8.31'])).toBe('')
})

test('[threat.46] loader variables are never hidden as secrets', async () => {
  await using daemon = await startSourceDaemon()
  const { stderr } = await daemon.cli([
    'add',
    'x',
    '--env',
    'NODE_OPTIONS=--require=/tmp/token.js',
    '--',
    'node',
    'x.js',
  ])
  expect(stderr).toContain('NODE_OPTIONS=--require=/tmp/token.js')
})

test('[threat.46] a row changed behind the gateway does not run, now or after a restart', async () => {
  using place = tempHome()
  await using daemon = await startSourceDaemon({}, place)
  const canary = join(daemon.home, 'canary')
  const server = join(repository, 'tests/servers/raw-stdio.ts')
  expect((await daemon.cli(['add', 'raw', '--yes', '--', process.execPath, server])).code).toBe(0)

  const database = new Database(join(daemon.dataDir, 'mcpmux.db'))
  const { definition } = database.query('SELECT definition FROM servers').get() as { definition: string }
  const changed = JSON.stringify({ ...JSON.parse(definition), command: 'touch', args: [canary] })
  database.query('UPDATE servers SET definition = ?').run(changed)
  database.close()

  await daemon.cli(['restart', 'raw'])
  await daemon.cli(['call', 'raw/echo'])
  expect(existsSync(canary)).toBe(false)
  await daemon.cli(['quit'])

  await using again = await startSourceDaemon({}, place)
  expect((await again.cli(['restart', 'raw'])).code).toBe(4)
  const { code, stderr } = await again.cli(['call', 'raw/echo'])
  expect([code, existsSync(canary)]).toEqual([4, false])
  expect(stderr).toContain('upstream.needs_consent')
  expect((await again.cli(['status'])).stdout).toContain('needs your approval')
  // Shown and approved as it is now, it runs.
  const enabled = await again.cli(['enable', 'raw', '--yes'])
  expect([enabled.code, enabled.stderr.includes(canary)]).toEqual([0, true])
  await again.cli(['restart', 'raw'])
  await again.cli(['call', 'raw/echo'])
  expect(existsSync(canary)).toBe(true)
})

test('[threat.46] a consent that is gone when a start gets its turn does not count', async () => {
  await using daemon = await startSourceDaemon()
  const canary = join(daemon.home, 'canary')
  const slow = join(repository, 'tests/servers/scripted-stdio.ts')
  await daemon.cli(['config', 'set', 'limits.parallel_starts', '1'])
  expect((await daemon.cli(['add', 'touches', '--yes', '--', 'touch', canary])).code).toBe(1)
  expect(existsSync(canary)).toBe(true)
  rmSync(canary)

  const first = daemon.cli(['add', 'slow', '--yes', '--', process.execPath, slow, 'hangs-at-start'])
  await until(async () => (await daemon.cli(['status'])).stdout.includes('connecting'))
  const second = daemon.cli(['restart', 'touches'])
  await Bun.sleep(500)
  expect(existsSync(canary)).toBe(false)
  const database = new Database(join(daemon.dataDir, 'mcpmux.db'))
  database.run("DELETE FROM consents WHERE server_id = (SELECT id FROM servers WHERE name = 'touches')")
  database.close()
  const { code, stderr } = await second
  expect([code, stderr.includes('upstream.needs_consent'), existsSync(canary)]).toEqual([4, true, false])
  await daemon.cli(['remove', 'slow', '--yes'])
  await first
})
