import { expect, test } from 'bun:test'
import { version } from '../../package.json' with { type: 'json' }
import { tempHome } from '../support/source-daemon'

const reads = [
  ['status'],
  ['list'],
  ['show', 'x'],
  ['tools'],
  ['key', 'list'],
  ['space', 'list'],
  ['config', 'get'],
  ['call', 'a/b'],
  ['quit'],
  ['add', 'x', '--yes', '--', 'true'],
]

test('[cli] without a daemon every command says how to start one and ends with 3', async () => {
  using place = tempHome()
  for (const args of reads) {
    const { code, stdout, stderr } = await place.cli(args)
    expect([args, code, stdout]).toEqual([args, 3, ''])
    expect(stderr).toContain('mcpmux serve')
    expect(stderr).toContain('daemon.absent')
  }
})

test('[cli] without a daemon, settings of its address say which option of serve goes without them', async () => {
  using place = tempHome()
  for (const [args, way] of [
    [['config', 'get', 'port'], 'mcpmux serve --port N'],
    [['config', 'set', 'port', '5000'], 'mcpmux serve --port N'],
    [['config', 'reset', 'host'], 'mcpmux serve --host H'],
  ] as const) {
    const { code, stderr } = await place.cli(args)
    expect([args, code]).toEqual([args, 3])
    expect(stderr).toContain(way)
  }
  const other = await place.cli(['config', 'get', 'limits.requests'])
  expect([other.code, other.stderr.includes('--port')]).toEqual([3, false])
})

test('[cli] mcpmux alone without a daemon is a short help', async () => {
  using place = tempHome()
  const { code, stdout, stderr } = await place.cli([])
  expect(stderr).toContain('McpMux is not running; "mcpmux serve" starts it.')
  expect(code).toBe(0)
  expect(stdout).toContain('mcpmux serve')
})

test('[cli] --version prints the version of package.json alone', async () => {
  using place = tempHome()
  expect(await place.cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

const wrong: string[][] = [
  ['nonsense'],
  ['add'],
  ['add', 'x'],
  ['add', 'x', '--url', 'https://a.example', '--', 'sh'],
  ['add', 'x', '--url', 'https://a.example', '--transport', 'stdio'],
  ['add', 'x', '--url', 'https://a.example', '--env', 'A=1'],
  ['add', 'x', '--header', 'A: 1', '--', 'sh'],
  ['add', 'x', '--alias', 'a', '--no-prefix', '--', 'sh'],
  ['add', 'x', '--env', 'A=1', '--env', 'A=2', '--', 'sh'],
  ['add', 'x', '--env', '=1', '--', 'sh'],
  ['add', 'x', '--shell', '--', 'sh'],
  ['add', 'x', '--source', 'registry', '--', 'sh'],
  ['add', 'x', 'y', '--', 'sh'],
  ['serve', '--port', 'many'],
  ['serve', '--port', '70000'],
  ['serve', 'now'],
  ['show'],
  ['show', 'a', 'b'],
  ['status', '--jsn'],
  ['key'],
  ['key', 'make', 'x'],
  ['key', 'create'],
  ['key', 'list', '--set', 'All'],
  ['space', 'drop', 'x'],
  ['space', 'rename', 'x'],
  ['config', 'set', 'port'],
  ['call', 'everything/'],
  ['call', '/echo'],
]
for (const args of wrong)
  test(`[cli] "${args.join(' ')}" is a usage error: 2, a sentence on stderr, nothing on stdout`, async () => {
    using place = tempHome()
    const { code, stdout, stderr } = await place.cli(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toStartWith('mcpmux')
    expect(stderr).not.toMatch(/\.ts:\d+|^ *at .*\(/m)
  })

for (const args of [
  ['--env', 'API_KEY=v-7f1c', '--', 'sh'],
  ['--env', 'GITHUB_TOKEN=v-7f1c', '--', 'sh'],
  ['--env', 'dbPassword=v-7f1c', '--', 'sh'],
  ['--env', 'DATABASE_URL=postgres://me:v-7f1c@localhost/db', '--', 'sh'],
  ['--header', 'Authorization: Bearer v-7f1c', '--url', 'https://a.example'],
  ['--header', 'X-Api-Key: v-7f1c', '--url', 'https://a.example'],
])
  test(`[cli] a secret in "${args[0]} ${args[1]?.split(/[=:]/)[0]}" is refused with the way to give it, and not repeated`, async () => {
    using place = tempHome()
    const { code, stdout, stderr } = await place.cli(['add', 'x', ...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('input.secret_in_argv')
    expect(stderr).toContain(`give only the name, ${args[0]}`)
    expect(stderr).not.toContain('v-7f1c')
  })

test('[cli] --help of every command goes to stdout and names its usage', async () => {
  using place = tempHome()
  const all = [
    'serve',
    'status',
    'quit',
    'add',
    'list',
    'show',
    'remove',
    'enable',
    'disable',
    'restart',
    'login',
    'logout',
    'key',
  ]
  for (const name of [...all, 'space', 'tools', 'call', 'config']) {
    const { code, stdout, stderr } = await place.cli([name, '--help'])
    expect([name, code, stderr]).toEqual([name, 0, ''])
    expect(stdout).toStartWith(`Usage: mcpmux ${name}`)
  }
})

test('[cli] a word nobody knows is answered with the one that was meant, and no more than the forms', async () => {
  using place = tempHome()
  for (const [args, says] of [
    [['statsu'], 'there is no command "statsu"; did you mean "status"?'],
    [['lst'], 'did you mean "list"?'],
    [['stop'], 'did you mean "quit"?'],
    [['xyzzy'], 'there is no command "xyzzy"; "mcpmux help"'],
    [['list', '--jsno'], "Unknown option '--jsno'; did you mean --json?"],
    [['add', 'x', '--ur', 'http://x'], 'did you mean --url?'],
    [['add', 'x', '--frobnicate'], "Unknown option '--frobnicate'\n"],
    [['add', 'x', 'npx', '-y', 'y'], 'write -- before the command of the server'],
    [
      ['add', 'x', '--yes', 'npx', '-y', 'y'],
      "Unknown option '-y'; the command of the server stands behind --",
    ],
    [['add', 'x', 'https://example.org/mcp'], 'write --url before the address of the server'],
    [['key', 'creat', 'x'], 'there is no "creat"; say create, list, rotate, edit or revoke'],
  ] as const) {
    const { code, stdout, stderr } = await place.cli(args)
    expect([args, code, stdout]).toEqual([args, 2, ''])
    expect(stderr).toContain(says)
    expect(stderr).not.toContain('--data-dir D  ')
    if (args.length > 1) expect(stderr).toEndWith(`"mcpmux ${args[0]} --help" says more.\n`)
  }
  const before = await place.cli(['--data-dir', 'd', 'list'])
  expect([before.code, before.stderr]).toEqual([
    2,
    'mcpmux: options stand behind the command: mcpmux list --data-dir …\n',
  ])
  expect((await place.cli(['help', 'add'])).stdout).toStartWith('Usage: mcpmux add')
})

test('[cli] serve refuses an address that is not loopback', async () => {
  using place = tempHome()
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.com']) {
    const { code, stdout, stderr } = await place.cli(['serve', '--port', '0', '--host', host])
    expect([host, code, stdout]).toEqual([host, 1, ''])
    expect(stderr).toContain('listen.not_loopback')
  }
})
