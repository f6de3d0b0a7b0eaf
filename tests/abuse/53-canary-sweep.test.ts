// A whole life with failures, full of secrets, and then the search for them wherever something is kept or shown.
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createControlFetch } from '../../gateway/control/connect'
import { createCanaries, type Find, processText } from '../support/canaries'
import { makeCertificate } from '../support/certificates'
import { binary, cleanEnvironment, eventually, repository } from '../support/daemon'
import { bytesIn, filesBelow } from '../support/files'
import { type Keyring, startKeyring } from '../support/keyring'
import { descendantsOf } from '../support/processes'
import { openRawSession } from '../support/raw-client'

const canaries = createCanaries()
const home = mkdtempSync(join(tmpdir(), 'mux-sweep-'))
const dataDir = join(home, 'data')
const temp = join(home, 'tmp')
mkdirSync(temp, { mode: 0o700 })
const found: Find[] = []
const search = (where: string, text: string | Uint8Array) => void found.push(...canaries.find(where, text))

const own = {
  env: canaries.plant('env input'),
  header: canaries.plant('header input'),
  again: canaries.plant('input given again'),
  proxy: canaries.plant('proxy password'),
  passphrase: canaries.plant('vault passphrase'),
  wrongPassphrase: canaries.plant('wrong passphrase'),
  wrongKey: canaries.plant('wrong key'),
}
const said = Object.fromEntries(
  ['result', 'resource', 'prompt', 'error', 'log', 'completion'].map((name) => [
    name,
    canaries.plant(`${name} of a server`),
  ]),
)
const sent = {
  argument: canaries.plant('tool argument'),
  name: canaries.plant('name nobody has'),
  promptArgument: canaries.plant('prompt argument'),
  completionArgument: canaries.plant('completion argument'),
  meta: canaries.plant('_meta of a call'),
}

/** Where a secret is meant to be, and why. Any other find is a leak, and an entry that nothing is found for is stale. */
const allowed = [
  {
    kinds: ['name nobody has'],
    where: /^\/data\/mcpmux\.db(-wal)?$/,
    because: 'the trail says what a refused call asked for, by name and not with its arguments',
  },
  {
    kinds: ['env input', 'input given again'],
    where: /^environ of a server$/,
    because: 'a person declared it for this server, which reads it there',
  },
  {
    kinds: ['proxy password'],
    where: /^environ of the daemon$/,
    because: 'whoever started the daemon put it there; no server inherits it',
  },
  {
    kinds: ['access key', 'replaced key', 'key in its place', 'revoked key'],
    where: /^stdout of key (create|rotate) [a-z]+$/,
    because: 'a key is shown once, to who made it',
  },
  {
    kinds: Object.keys(said).map((name) => `${name} of a server`),
    where: /^\/canary-words$/,
    because: 'the test tells its server there what to say',
  },
]
const allows = ({ kinds, where }: (typeof allowed)[number], find: Find) =>
  kinds.includes(find.kind) && where.test(find.where)

let keyring: Keyring
let env: Record<string, string> = {}
/** Repeats what it was sent, and refuses with it. */
const remote = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request) =>
    new Response(`you sent ${request.headers.get('authorization')} and that is not enough`, {
      status: request.url.includes('401') ? 401 : 500,
    }),
})
const authority = makeCertificate('sweep', [])
const leaf = makeCertificate('localhost', ['localhost'], authority)
const unverified = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  tls: { cert: leaf.cert, key: leaf.key },
  fetch: () => new Response('{}'),
})

interface Running {
  mcpUrl: string
  pid: number
  kill(signal: NodeJS.Signals): Promise<void>
}

async function serve(): Promise<Running> {
  const child = Bun.spawn([binary, 'serve', '--port', '0', '--data-dir', dataDir, '--json', '--verbose'], {
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let out = ''
  const reading = Promise.all(
    [child.stdout, child.stderr].map(async (stream, at) => {
      let all = ''
      for await (const chunk of stream) {
        all += new TextDecoder().decode(chunk)
        if (at === 0) out = all
      }
      search(at === 0 ? 'stdout of the daemon' : 'stderr of the daemon', all)
    }),
  )
  await eventually(
    () => out,
    (text) => text.includes('\n'),
  )
  const { mcpUrl } = JSON.parse(out) as { mcpUrl: string }
  return {
    mcpUrl,
    pid: child.pid,
    async kill(signal) {
      child.kill(signal)
      await child.exited
      await reading
    },
  }
}

/** Runs a command and searches what it shows. */
async function cli(words: string[], more: { env?: Record<string, string>; stdin?: string } = {}) {
  const at = words.indexOf('--')
  const place = at < 0 ? words.length : at
  const command = [binary, ...words.slice(0, place), '--data-dir', dataDir, ...words.slice(place)]
  const child = Bun.spawn(command, {
    env: { ...env, ...more.env },
    stdin: more.stdin === undefined ? 'ignore' : new Blob([more.stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  search(`command line of ${words[0]}`, processText(child.pid, 'cmdline'))
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  await child.exited
  search(`stdout of ${words.join(' ')}`, stdout)
  search(`stderr of ${words.join(' ')}`, stderr)
  return stdout.trim()
}

/** Runs a command that makes a key; it is a secret from then on, and in what was shown too. */
async function makeKey(kind: string, ...words: string[]): Promise<string> {
  const key = canaries.know(kind, await cli(words))
  search(`stdout of ${words.join(' ')}`, key)
  return key
}

function searchProcesses(daemon: Running): void {
  for (const file of ['cmdline', 'environ'] as const) {
    search(`${file} of the daemon`, processText(daemon.pid, file))
    for (const pid of descendantsOf(daemon.pid)) search(`${file} of a server`, processText(pid, file))
  }
}

const control = () =>
  createControlFetch({
    dataDir,
    runtimeDir: home,
    tempDir: temp,
    environment: {},
    platform: process.platform,
  })

/** Every read of the admin API, and the beginning of its streams. */
async function searchAnswers(): Promise<number> {
  const fetch = control()
  const ids = (await (await fetch('/servers')).json()) as { id: string }[]
  const reads = [
    '/status',
    '/servers',
    '/spaces',
    '/clients',
    '/keys',
    '/sets',
    '/tools',
    '/settings',
    '/vault',
  ]
  const logs = ['app', 'audit', 'all'].map((of) => `/logs?of=${of}&limit=1000`)
  const each = ids.flatMap(({ id }) => [`/servers/${id}`, `/servers/${id}/logs?limit=1000`])
  for (const path of [...reads, ...logs, ...each]) {
    const answer = await fetch(path)
    const text = await answer.text()
    expect([path, answer.status === 200 || answer.status === 404]).toEqual([path, true])
    search(`answer to ${path}`, text)
  }
  for (const path of ['/events', '/logs/stream?of=all']) {
    const stop = new AbortController()
    const answer = await fetch(path, { signal: stop.signal })
    const reader = answer.body?.getReader()
    // What there is comes first, however long that takes; what is new would follow at any time.
    let text = new TextDecoder().decode((await reader?.read())?.value)
    expect(text.length).toBeGreaterThan(0)
    for (const end = performance.now() + 500; performance.now() < end; ) {
      const next = await Promise.race([reader?.read(), Bun.sleep(200).then(() => null)])
      if (!next || next.done) break
      text += new TextDecoder().decode(next.value)
    }
    stop.abort()
    search(`stream ${path}`, text)
  }
  return reads.length + logs.length + each.length
}

async function useTools(daemon: Running, key: string): Promise<void> {
  const session = await openRawSession(daemon.mcpUrl, key)
  canaries.know('session id', session.id)
  let id = 0
  const ask = (method: string, params: object) =>
    session.post(
      JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params: { ...params, _meta: { x: sent.meta } } }),
    )
  const call = (name: string) => ask('tools/call', { name, arguments: { text: sent.argument } })
  expect((await call('spoken_speak')).message).toContain(JSON.stringify(said.result).slice(1, -1))
  expect((await call('spoken_fail')).message).toContain(JSON.stringify(said.error).slice(1, -1))
  // While the server runs: it is about to die.
  searchProcesses(daemon)
  await ask('resources/read', { uri: 'canary://one' })
  await ask('prompts/get', { name: 'spoken_ask', arguments: { topic: sent.promptArgument } })
  await ask('completion/complete', {
    ref: { type: 'ref/prompt', name: 'spoken_ask' },
    argument: { name: 'topic', value: sent.completionArgument },
  })
  await call('spoken_die')
  await call(`spoken_${sent.name}`)
}

let reads = 0
beforeAll(async () => {
  keyring = await startKeyring()
  env = cleanEnvironment(home, {
    ...keyring.env,
    TMPDIR: temp,
    HTTPS_PROXY: `http://user:${encodeURIComponent(own.proxy)}@127.0.0.1:9`,
  })
  const wordsOfServer = join(home, 'canary-words')
  writeFileSync(wordsOfServer, JSON.stringify(said))
  const program = [process.execPath, join(repository, 'tests/servers/canary-stdio.ts'), wordsOfServer]

  let daemon = await serve()
  await cli(['add', 'spoken', '--env', 'TOKEN', '--yes', '--', ...program], { env: { TOKEN: own.env } })
  const header = { env: { AUTHORIZATION: `Bearer ${own.header}` } }
  for (const [name, url] of [
    ['refusing', `${remote.url}401`],
    ['failing', `${remote.url}500`],
    ['unverified', `https://localhost:${unverified.port}/`],
  ] as const)
    await cli(['add', name, '--yes', '--url', url, '--header', 'Authorization'], header)
  const key = await makeKey('access key', 'key', 'create', 'one')
  await makeKey('replaced key', 'key', 'create', 'two')
  await makeKey('key in its place', 'key', 'rotate', 'two')
  await makeKey('revoked key', 'key', 'create', 'three')
  await cli(['key', 'revoke', 'three'])
  for (const authorization of [`Bearer ${encodeURIComponent(own.wrongKey)}`, 'Bearer mcp_wrong'])
    await (await fetch(daemon.mcpUrl, { method: 'POST', headers: { authorization } })).text()
  await useTools(daemon, key)
  for (const { value } of await keyring.items()) canaries.know('wrapping key', value)
  await cli(['vault', 'use', 'passphrase'], { stdin: `${own.passphrase}\n` })
  reads += await searchAnswers()
  await daemon.kill('SIGKILL')

  daemon = await serve()
  await cli(['vault', 'unlock'], { stdin: `${own.wrongPassphrase}\n` })
  await cli(['call', 'spoken/speak', JSON.stringify({ text: 'locked' })])
  await cli(['vault', 'unlock'], { stdin: `${own.passphrase}\n` })
  await cli(['vault', 'use', 'keychain'])
  for (const { value } of await keyring.items()) canaries.know('second wrapping key', value)
  await cli(['restart', 'spoken', '--env', 'TOKEN'], { env: { TOKEN: own.again } })
  await useTools(daemon, key)
  await cli(['space', 'create', 'gone'])
  await cli(['add', 'spoken', '--space', 'gone', '--env', 'TOKEN', '--yes', '--', ...program], {
    env: { TOKEN: own.env },
  })
  await cli(['space', 'remove', 'gone', '--yes'])
  await cli(['remove', 'failing', '--yes'])
  await daemon.kill('SIGTERM')

  const db = new Database(join(dataDir, 'mcpmux.db'))
  db.run(
    "UPDATE credentials SET envelope = zeroblob(50) WHERE server_id IN (SELECT id FROM servers WHERE name = 'refusing')",
  )
  db.close()
  await keyring.lock()
  daemon = await serve()
  await cli(['status'])
  await cli(['call', 'spoken/speak', '{}'])
  await keyring.unlock()
  await eventually(
    () => cli(['vault', 'status']),
    (text) => text.includes('open;'),
    60_000,
  )
  await cli(['status', '--json'])
  for (const words of [
    ['logs', '--all', '-n', '5000'],
    ['logs', 'spoken', '--json'],
    ['show', 'spoken', '--json'],
  ])
    await cli(words)
  searchProcesses(daemon)
  reads += await searchAnswers()
  await daemon.kill('SIGTERM')
}, 240_000)
afterAll(async () => {
  await Promise.all([remote.stop(true), unverified.stop(true)])
  await keyring[Symbol.asyncDispose]()
  rmSync(home, { recursive: true, force: true })
})

test('[threat.53] [threat.73] after a whole life with failures no secret is found where something is kept or shown', () => {
  const files = filesBelow(home)
  expect(files.filter((file) => file.includes('/logs/')).length).toBeGreaterThan(3)
  for (const file of files) search(file.slice(home.length), bytesIn(file))
  expect(found.filter((find) => !allowed.some((entry) => allows(entry, find)))).toEqual([])
  const stale = allowed.filter((entry) => !found.some((find) => allows(entry, find)))
  expect(stale.map(({ because }) => because)).toEqual([])
  expect(canaries.kinds().length).toBeGreaterThanOrEqual(24)
  expect(reads).toBeGreaterThan(30)
})

test('[threat.53] the search finds what is there, in every spelling', () => {
  const other = createCanaries()
  const value = other.plant('planted')
  const spelled: [string, string | Uint8Array][] = [
    ['raw', `x${value}x`],
    ['hex', Buffer.from(`ab${value}`).toString('hex')],
    ['base64 at 0', Buffer.from(value).toString('base64')],
    ['base64 at 1', Buffer.from(`a${value}b`).toString('base64')],
    ['base64 at 2', Buffer.from(`ab${value}`).toString('base64')],
    ['base64url at 1', Buffer.from(`a${value}`).toString('base64url')],
    ['URL-encoded', `?q=${encodeURIComponent(value)}`],
    ['JSON-escaped', JSON.stringify({ value })],
    ['twice JSON-escaped', JSON.stringify(JSON.stringify({ value }))],
    ['UTF-16', Buffer.from(`x${value}`, 'utf16le')],
  ]
  for (const [spelling, text] of spelled)
    expect(other.find('', text).map((find) => find.spelling)).toContain(spelling)
  expect(other.find('', 'nothing of the kind')).toEqual([])
})
