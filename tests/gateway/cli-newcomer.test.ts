// What a person meets in the first hour: wrong words, servers that are off, names that clash.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { type KeyringDaemon, startKeyringDaemon } from '../support/keyring-daemon'

const raw = [process.execPath, join(repository, 'tests/servers/raw-stdio.ts')]
let daemon: KeyringDaemon
beforeAll(async () => {
  daemon = await startKeyringDaemon()
})
afterAll(() => daemon[Symbol.asyncDispose]())

const add = (name: string, ...options: string[]) =>
  daemon.cli(['add', name, ...options, '--yes', '--', ...raw])

test('[cli] enable and disable say the state that follows, and a call to a server that is off says so', async () => {
  expect((await add('switched')).code).toBe(0)
  expect((await daemon.cli(['disable', 'switched'])).stdout).toBe('switched: disabled\n')
  const call = await daemon.cli(['call', 'switched/echo'])
  expect([call.code, call.stdout]).toEqual([1, ''])
  expect(call.stderr).toContain('upstream.disabled')
  expect(call.stderr).toContain('mcpmux enable')
  expect((await daemon.cli(['enable', 'switched'])).stdout).toBe('switched: idle\n')
  expect((await daemon.cli(['call', 'switched/echo'])).code).toBe(0)
})

test('[names] a server without a prefix whose names are taken says so when it is added', async () => {
  expect((await add('first', '--no-prefix')).stderr).not.toContain('withheld')
  const second = await add('second', '--no-prefix')
  expect(second.code).toBe(0)
  expect(second.stderr).toContain('names taken by other servers')
  const status = (await daemon.cli(['status'])).stdout
    .split('\n')
    .filter((line) => line.startsWith('withheld'))
  expect(status).toHaveLength(1)
  expect(status[0]).toContain('of second: taken by first')
})

for (const [what, args] of [
  ['an alias of other characters', ['add', 'x', '--alias', 'Bad Alias', '--yes', '--', 'true']],
  ['an empty alias', ['add', 'x', '--alias', '', '--yes', '--', 'true']],
  ['an empty name', ['space', 'create', ' ']],
  ['a name with an escape sequence', ['key', 'create', 'a\u001b[31mb']],
] as const)
  test(`[cli] ${what} is a usage error, and nothing is made`, async () => {
    const { code, stdout, stderr } = await daemon.cli([...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).not.toContain('body field')
    expect((await daemon.cli(['show', 'x'])).code).toBe(1)
  })

test('[cli] a file named relative to here is pointed out, because the server runs elsewhere', async () => {
  const child = await daemon.cli(['add', 'here', '--', 'node', '.'])
  expect(child.code).toBe(4)
  expect(child.stderr).toContain('notice   .: relative to here')
})

test('[cli] a secret that nobody can be asked for names no server that was not added', async () => {
  const { code, stderr } = await daemon.cli(['add', 'x', '--env', 'ABSENT_TOKEN', '--yes', '--', 'true'])
  expect(code).toBe(4)
  expect(stderr).toContain('ABSENT_TOKEN is not in the environment')
  expect(stderr).not.toContain('mcpmux restart')
})

test('[cli] removing a Space says what went with it', async () => {
  await daemon.cli(['space', 'create', 'Short lived'])
  await add('inside', '--space', 'Short lived')
  expect((await daemon.cli(['space', 'remove', 'short lived', '--yes'])).stdout).toBe(
    'removed Short lived with 1 server\n',
  )
})

test('[cli] port and host say that they act later', async () => {
  const { code, stdout, stderr } = await daemon.cli(['config', 'set', 'port', '9400'])
  expect([code, stdout]).toEqual([0, 'port = 9400\n'])
  expect(stderr).toContain('next time')
  expect((await daemon.cli(['config', 'set', 'limits.page_size', '10'])).stderr).toBe('')
})

for (const how of ['consent', 'enable'])
  test(`[cli] ${how} connects the copy of a server, which was never connected, so that its tools can be used`, async () => {
    await daemon.cli(['space', 'create', `Original ${how}`])
    await add('copied', '--space', `Original ${how}`)
    await daemon.cli(['space', 'duplicate', `Original ${how}`, `Copy ${how}`])
    const there = ['--space', `Copy ${how}`]
    const given = await daemon.cli([how, 'copied', ...there, '--yes'])
    expect([given.code, `${given.stdout}${given.stderr}`]).toEqual([
      0,
      expect.stringMatching(/^copied: \d+ tools?/m),
    ])
    expect((await daemon.cli(['call', 'copied/echo', ...there])).code).toBe(0)
  })

test('[cli] what a server lacks is named when it is added, each with the way to give it', async () => {
  const texts = ['A=${secret:absent}', 'B=${env:NO_SUCH_VARIABLE}']
  const { code, stderr } = await add('lacking', ...texts.flatMap((text) => ['--env', text]))
  expect(code).toBe(4)
  expect(stderr).toEndWith(
    'lacking is added, but not connected: needs a value\n' +
      '  ${secret:absent}: "mcpmux secret set absent"\n' +
      '  ${env:NO_SUCH_VARIABLE}: start McpMux where NO_SUCH_VARIABLE is set in the environment\n' +
      '  to give up: "mcpmux remove lacking"\n',
  )
})

test('[cli] a server that cannot be connected says why, and where to look', async () => {
  const died = await daemon.cli(['add', 'dying', '--yes', '--', 'sh', '-c', 'echo no config >&2; exit 3'])
  expect(died.code).toBe(1)
  expect(died.stderr).toContain(
    'dying is added, but not connected: its process ended with code 3; its last words: no config (upstream.lost)\n' +
      '  what it wrote: "mcpmux logs dying"\n',
  )
  const nobody = await daemon.cli(['add', 'nobody', '--yes', '--url', 'http://127.0.0.1:1/mcp'])
  expect(nobody.stderr).toContain('not connected: the connection was refused (upstream.lost)')
  const half = await daemon.cli(['add', 'half', '--yes', '--url', 'example.org/mcp'])
  expect(half.stderr).toContain('give it in full, such as https://example.org/mcp')
  using page = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('', { status: 404 }) })
  const root = await daemon.cli(['add', 'pathless', '--yes', '--url', page.url.href])
  expect(root.stderr).toContain('most servers are at a path of their address, such as /mcp')
  const path = await daemon.cli(['add', 'older', '--yes', '--url', new URL('/x', page.url).href])
  expect(path.stderr).toContain('an older server may need --transport sse')
})

test('[cli] a tool is called by the name clients see, too, and a name nobody has says how to write it', async () => {
  await add('seen by all')
  const seen = JSON.parse((await daemon.cli(['tools', '--json'])).stdout) as {
    name: string
    server: string
  }[]
  const { name } = seen.find(({ server }) => server === 'seen-by-all') ?? { name: '' }
  expect((await daemon.cli(['call', name])).code).toBe(0)
  const unknown = await daemon.cli(['call', 'seen-by-all'])
  expect([unknown.code, unknown.stdout]).toEqual([1, ''])
  expect(unknown.stderr).toContain('give SERVER/TOOL, or a name that `mcpmux tools` lists (feature.unknown)')
})

test('[cli] a call to a server that was never connected says what it waits for, or why that failed', async () => {
  await add('keyless', '--env', 'A=${secret:never}')
  const waits = await daemon.cli(['call', 'keyless/echo'])
  expect([waits.code, waits.stdout]).toEqual([4, ''])
  expect(waits.stderr).toContain(
    'server needs a value that is not set: ${secret:never} ("mcpmux secret set never")',
  )
  await daemon.cli(['add', 'absent', '--yes', '--', '/no/such/program'])
  const failed = await daemon.cli(['call', 'absent/echo'])
  expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining('(upstream.spawn_failed)')])
})

test('[cli] a client or a set that is not there is named', async () => {
  for (const [args, says] of [
    [['grant', 'nobody', '--set', 'All'], 'no such client: nobody (client.unknown)'],
    [['tools', '--client', 'nobody'], 'no such client: nobody (client.unknown)'],
    [['set', 'show', '--effective', '--client', 'nobody'], 'no such client: nobody (client.unknown)'],
    [['key', 'create', 'somebody', '--set', 'Nothing'], 'no such Feature Set: Nothing (set.unknown)'],
  ] as const) {
    const { code, stderr } = await daemon.cli(args)
    expect([args, code, stderr]).toEqual([args, 1, expect.stringContaining(says)])
  }
})

test('[cli] a new key alone is on stdout; what it is for, and that it is one more, is said beside it', async () => {
  const first = await daemon.cli(['key', 'create', 'editor'])
  expect(first.stdout).toMatch(/^mcp_[A-Za-z0-9]+\n$/)
  expect(first.stderr).toBe(`the key of editor for ${daemon.mcpUrl}; it is not shown again\n`)
  const second = await daemon.cli(['key', 'create', 'Editor'])
  expect(second.stderr).toContain('editor has 2 keys now; "mcpmux key list" shows them\n')
  expect((await daemon.cli(['key', 'create', 'editor', '--json'])).stderr).toBe('')
})

test('[cli] a server that takes long to start is said to be connecting, and a no that nothing was added', async () => {
  const slow = await daemon.cli([
    'add',
    'slow',
    '--yes',
    '--',
    'sh',
    '-c',
    'sleep 3; exec "$@"',
    'sh',
    ...raw,
  ])
  expect(slow.code).toBe(0)
  expect(slow.stderr).toContain('connecting slow; a first start may have to download it …\n')
  const quick = await add('quick')
  expect(quick.stderr).not.toContain('connecting')
  const declined = await daemon.onTerminal(['add', 'declined', '--', ...raw], [['Add it?', 'n\r']])
  expect([declined.code, declined.screen.includes('nothing was added')]).toEqual([4, true])
})

test('[cli] pins and credentials of one server speak of it alone', async () => {
  await add('plain')
  expect((await daemon.cli(['pins', 'plain'])).stderr).toBe('plain offers what it offered before\n')
  expect((await daemon.cli(['credentials', 'plain'])).stderr).toBe('it is given nothing\n')
})

test('[audit] an action nobody records is refused, because no entries would read as if it never happened', async () => {
  const wrong = await daemon.cli(['audit', '--action', 'key.create'])
  expect([wrong.code, wrong.stdout]).toEqual([2, ''])
  expect(wrong.stderr).toContain('there is no action "key.create"; did you mean key.created?')
  expect((await daemon.cli(['audit', '--action', 'keys.*'])).code).toBe(2)
  for (const action of ['key.created', 'key.*', 'login.done'])
    expect([action, (await daemon.cli(['audit', '--action', action])).code]).toEqual([action, 0])
})
