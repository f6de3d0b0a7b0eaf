import { expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import fc from 'fast-check'
import { systemRuntime } from '../../gateway/runtime'
import { createServerEnvironment, inheritedEnvironment } from '../../gateway/process/environment'
import { createLoginPath, pathBetween } from '../../gateway/process/login-path'
import { resolveCommand } from '../../gateway/process/resolve-command'
import { newNap, processesWithArgument, TOKEN, waitUntil } from '../support/processes'
import { evil, openStdioLeg } from '../support/stdio-leg'

const CANARY = 'canary-must-not-leak'
const inherited: Record<string, string> = {
  HOME: '/home/someone',
  PATH: '/usr/bin:/bin',
  USER: 'someone',
  LOGNAME: 'someone',
  SHELL: '/bin/sh',
  TERM: 'xterm',
  LANG: 'C.UTF-8',
  LC_TIME: 'C',
  TZ: 'UTC',
  TMPDIR: '/tmp',
  XDG_CONFIG_HOME: '/home/someone/.config',
}
const forbidden = [
  'MCPMUX_KEY',
  'MCPMUX_HOME',
  'BUN_OPTIONS',
  'BUN_BE_BUN',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'DYLD_INSERT_LIBRARIES',
  'PYTHONPATH',
  'AWS_SECRET_ACCESS_KEY',
  'GITHUB_TOKEN',
  'SSH_AUTH_SOCK',
  'HTTP_PROXY',
  'PWD',
]
const withCanaries = { ...inherited, ...Object.fromEntries(forbidden.map((name) => [name, CANARY])) }

async function environmentOf(env: Record<string, string>): Promise<Record<string, string>> {
  await using leg = await openStdioLeg(
    { command: '/usr/bin/env', args: [] },
    { env, inherited: withCanaries },
  )
  await leg.closing()
  // What is no message is in the log, one complaint for every variable.
  return Object.fromEntries(
    leg.logs.flatMap((line) => {
      const match = /: ([A-Za-z_]\w*)=(.*)$/s.exec(line)
      return match ? [[match[1], match[2]]] : []
    }),
  ) as Record<string, string>
}

test('[threat.52] a server inherits exactly the allow-list, its own variables and the mark of its tree', async () => {
  const seen = await environmentOf({ API_URL: 'http://x' })
  expect(Object.keys(seen).sort()).toEqual([...Object.keys(inherited), 'API_URL', TOKEN, '_MUX_TREE'].sort())
  expect(JSON.stringify(seen)).not.toContain(CANARY)
  expect(seen.HOME).toBe('/home/someone')
  expect(seen._MUX_TREE).toMatch(/^[0-9a-f]{32}-[0-9a-f]{16}$/)
})

test('[threat.52] a variable the server declares itself wins, whatever its name', async () => {
  const seen = await environmentOf({ NODE_OPTIONS: '--declared', HOME: '/elsewhere', _MUX_TREE: 'forged' })
  expect(seen.NODE_OPTIONS).toBe('--declared')
  expect(seen.HOME).toBe('/elsewhere')
  expect(seen._MUX_TREE).not.toBe('forged')
})

test('[threat.52] exported shell functions stay out, names of Windows are matched in any case', () => {
  expect(inheritedEnvironment({ TERM: '() { :; }; echo pwned', HOME: '/h' }, 'linux')).toEqual({ HOME: '/h' })
  expect(inheritedEnvironment({ Path: 'C:\\x', SystemRoot: 'C:\\W', NODE_OPTIONS: 'x' }, 'win32')).toEqual({
    Path: 'C:\\x',
    SystemRoot: 'C:\\W',
  })
})

test('[threat.52] arguments arrive as they were given, whatever is in them', async () => {
  const nasty = [
    '',
    ' ',
    '"',
    "'",
    '\\',
    '$(id)',
    '`id`',
    '${HOME}',
    '*',
    '~',
    '&& calc',
    '| x',
    ';',
    '%PATH%',
    '^',
    '\n',
    '\t',
    '\u202e',
    '🐝',
    '--',
    '-c',
    '!x',
    '\\"',
    'a b  c',
    '<>&',
  ]
  const nastyText = fc.array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'binary' })), {
    maxLength: 4,
  })
  const argument = nastyText.map((parts) => parts.join('').replaceAll('\0', '').toWellFormed())
  const samples = fc.sample(argument, 1000)
  for (let at = 0; at < samples.length; at += 250) {
    const part = [...nasty, ...samples.slice(at, at + 250)]
    await using leg = await openStdioLeg(evil('echo-argv', ...part))
    const answer = JSON.parse((await leg.call(1)) as string) as { result: { argv: string[] } }
    expect(answer.result.argv).toEqual(part)
  }
})

test('[threat.52] a program is found by absolute path or in PATH, never in a folder one happens to be in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mux-path-'))
  const [first, second] = [join(folder, 'first'), join(folder, 'second')]
  for (const one of [first, second]) mkdirSync(one)
  const program = (file: string, mode: number) => {
    writeFileSync(file, '#!/bin/sh\n')
    chmodSync(file, mode)
  }
  program(join(first, 'tool'), 0o644)
  program(join(second, 'tool'), 0o755)
  program(join(folder, 'here'), 0o755)
  mkdirSync(join(first, 'folder'))
  const before = process.cwd()
  process.chdir(folder)
  try {
    const find = (command: string, PATH: string) =>
      resolveCommand(command, { environment: { PATH }, platform: 'linux' })
    const path = [first, second].join(delimiter)
    expect(find('tool', path)).toBe(join(second, 'tool'))
    expect(find(join(folder, 'here'), '')).toBe(join(folder, 'here'))
    for (const [command, where] of [
      ['here', ''],
      ['here', '.'],
      ['here', `:${first}:`],
      ['./here', path],
      ['second/tool', path],
      ['folder', path],
      [join(first, 'tool'), path],
      ['tool\0', path],
    ] as const)
      expect(() => find(command, where)).toThrow('server could not be started')
    expect(() => find('absent', path)).toThrow('"absent" was not found in PATH; install it')
    const batch = { environment: { Path: second }, platform: 'win32' } as const
    writeFileSync(join(second, 'npx.cmd'), '')
    expect(() => resolveCommand('npx', batch)).toThrow('was not found')
  } finally {
    process.chdir(before)
  }
})

/** A login shell of our own making: a script, run as `$SHELL -ilc COMMAND`. */
function shell(body: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'mux-shell-')), 'sh')
  writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  return file
}
const loginPath = (SHELL: string, more: Record<string, string> = {}) =>
  createLoginPath({
    environment: { ...more, SHELL, PATH: '/usr/bin:/bin' },
    platform: 'linux',
    runtime: systemRuntime,
  })
const run = 'shift; eval "$1"'

test('[threat.52] the PATH of the login shell comes first, and junk around it does no harm', async () => {
  const junk = `echo "PATH=/junk"; echo junk >&2; printf 'no newline'; PATH=/login/bin:/usr/bin; export PATH; ${run}; echo PATH=/late`
  const path = loginPath(shell(junk))
  expect(await path()).toBe('/login/bin:/usr/bin')
  const environment = createServerEnvironment({
    environment: { PATH: '/own/bin:/usr/bin::' },
    platform: 'linux',
    loginPath: path,
  })
  expect((await environment.forServer({})).PATH).toBe('/login/bin:/usr/bin:/own/bin')
  expect((await environment.forServer({ PATH: '/mine' })).PATH).toBe('/mine')
})

test('[threat.52] the login shell is asked once, with the allow-list as its environment', async () => {
  const count = join(mkdtempSync(join(tmpdir(), 'mux-count-')), 'count')
  const path = loginPath(shell(`echo "asked $GITHUB_TOKEN" >> ${count}; ${run}`), { GITHUB_TOKEN: CANARY })
  expect(await Promise.all([path(), path()])).toEqual(['/usr/bin:/bin', '/usr/bin:/bin'])
  await path()
  expect(await Bun.file(count).text()).toBe('asked \n')
})

test('[threat.52] a login shell that hangs is given up and ended with what it started', async () => {
  const nap = newNap()
  expect(await loginPath(shell(`trap '' TERM HUP; sleep ${nap} & sleep ${nap}`))()).toBeNull()
  await waitUntil('the shell is gone', () => processesWithArgument(nap).length === 0)
})

test('[threat.52] a login shell that floods, fails, is absent or prints no PATH is no obstacle', async () => {
  for (const body of [
    'yes',
    'exit 1',
    'kill -9 $$',
    'unset PATH; echo hi',
    'PATH=relative; export PATH; shift; eval "$1"',
  ])
    expect(await loginPath(shell(body))()).toBeNull()
  for (const absent of ['/no/such/shell', 'bash', '', '/etc/passwd'])
    expect(await loginPath(absent)()).toBeNull()
})

test('[threat.52] what is left behind by an answered login shell does not hold the answer up', async () => {
  const nap = newNap()
  expect(await loginPath(shell(`sleep ${nap} & ${run}; sleep ${nap}`))()).toBe('/usr/bin:/bin')
  await waitUntil('the shell is gone', () => processesWithArgument(nap).length === 0)
})

test('[threat.52] only what is between two marks counts as the answer of the shell', () => {
  expect(pathBetween('PATH=/a\nM\nHOME=/h\nPATH=/b\nM\nPATH=/c\n', 'M')).toBe('/b')
  expect(pathBetween('M\nPATH=/b\n', 'M')).toBeNull()
  expect(pathBetween('M\nHOME=/h\nM\n', 'M')).toBeNull()
})
