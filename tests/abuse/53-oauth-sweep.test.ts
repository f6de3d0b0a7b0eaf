// A life full of sign-ins at servers, and of exports of the vault; then the search for what of it is secret, wherever
// something is kept or shown.
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { delimiter, join } from 'node:path'
import { placeRecorder } from '../support/browser-recorder'
import { createCanaries, type Find, processText } from '../support/canaries'
import { type EvilAs, startEvilAs } from '../support/evil-as'
import { bytesIn, filesBelow } from '../support/files'
import { type Keyring, startKeyring } from '../support/keyring'
import { descendantsOf } from '../support/processes'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

const canaries = createCanaries()
/** What was shown, and where; it is searched once every secret is known. */
const shown: { where: string; text: string | Uint8Array }[] = []
const show = (where: string, text: string | Uint8Array) => void shown.push({ where, text })
const passphrase = canaries.plant('export passphrase')
const wrongPassphrase = canaries.plant('wrong export passphrase')

/** Where a secret is meant to be, and why. Any other find is a leak, and an entry that nothing is found for is stale. */
const allowed = [
  {
    kinds: /^state of a sign-in \d+$/,
    where:
      /^(stderr of login|answer to \/flows|answer to .*\/login|stream \/events|address for the browser)$/,
    because: 'it is part of the address a person opens, which is shown to who asked for the sign-in',
  },
  {
    kinds: /^(state of a sign-in|authorization code) \d+$/,
    where: /^address of the callback$/,
    because: 'the browser is sent back with them, once',
  },
]
const allows = ({ kinds, where }: (typeof allowed)[number], find: Find) =>
  kinds.test(find.kind) && where.test(find.where)

let keyring: Keyring
let evil: EvilAs
const home = tempHome()
const kept = { ...home, [Symbol.dispose]: () => undefined }
const file = join(home.home, 'vault.export')
let reads = 0

async function cli(daemon: SourceDaemon, words: string[], stdin?: string) {
  const done = await daemon.cli(words, stdin === undefined ? {} : { stdin })
  show(`stdout of ${words[0]}`, done.stdout)
  show(`stderr of ${words[0]}`, done.stderr)
  return done
}

/** Every read of the admin API there is, and the beginning of its stream. */
async function readAll(daemon: SourceDaemon): Promise<void> {
  const list = 'approvals audit clients consents credentials flows keys secrets servers sets settings'
  const more = 'sign-ins spaces status tools vault logs?of=app logs?of=audit logs?of=all'
  const servers = (await (await daemon.fetch('/servers')).json()) as { id: string }[]
  const each = servers.flatMap(({ id }) => [`servers/${id}`, `servers/${id}/logs`])
  for (const path of [...list.split(' '), ...more.split(' '), ...each]) {
    const answer = await daemon.fetch(`/${path}`)
    show(`answer to /${path}`, await answer.text())
    reads += answer.status === 200 ? 1 : 0
  }
  const stop = new AbortController()
  const reader = (await daemon.fetch('/events', { signal: stop.signal })).body?.getReader()
  show('stream /events', (await reader?.read())?.value ?? '')
  stop.abort()
  for (const pid of [daemon.pid, ...descendantsOf(daemon.pid)])
    for (const of of ['cmdline', 'environ'] as const) show(`${of} of a process`, processText(pid, of))
}

/** A sign-in as a browser of a test does it; what the callback shows is searched too. */
async function signIn(daemon: SourceDaemon, id: string): Promise<void> {
  const begun = await daemon.fetch(`/servers/${id}/login`, { method: 'POST', body: '{}' })
  const text = await begun.text()
  show('answer to /servers/:id/login', text)
  const { url } = JSON.parse(text) as { url: string }
  show('address for the browser', url)
  await readAll(daemon)
  const back = await evil.browse(url)
  show('address of the callback', back.href)
  const page = await fetch(back)
  show('page of the callback', `${JSON.stringify([...page.headers])} ${await page.text()}`)
}

/** What the authorization server gave and got that is secret. */
function learn(): void {
  const know = (kind: string, value: string | null | undefined) => {
    if (value) canaries.knowMore(kind, value)
  }
  for (const { query, form, headers, place, path } of evil.log) {
    know('state of a sign-in', query.get('state'))
    know('authorization code', form.get('code'))
    know('PKCE verifier', form.get('code_verifier'))
    know('refresh token', form.get('refresh_token'))
    const bearer = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1]
    if (place === 'resource') know('access token', bearer)
    if (place === 'issuer' && path.startsWith('/register/')) know('registration access token', bearer)
  }
  for (const { secret } of evil.grants.clients.values()) know('client secret', secret)
  for (const { access, refresh } of evil.grants.families.values()) {
    for (const token of access) know('access token', token)
    for (const token of refresh) know('refresh token', token)
  }
}

beforeAll(async () => {
  keyring = await startKeyring()
  evil = await startEvilAs({ mode: 'managed-registration', authMethods: ['client_secret_basic'] })
  const browser = placeRecorder(join(home.home, 'bin'), 'xdg-open', 0, true)
  const desktop = { DISPLAY: ':7', PATH: [browser.folder, process.env.PATH].join(delimiter) }
  const start = () => startSourceDaemon({ ...keyring.env, ...desktop }, kept)
  const idOf = async (daemon: SourceDaemon, name: string) =>
    ((await (await daemon.fetch('/servers')).json()) as { id: string; name: string }[]).find(
      (server) => server.name === name,
    )?.id ?? ''
  {
    await using daemon = await start()
    for (const name of ['signed', 'failing', 'leaving'])
      await cli(daemon, ['add', name, '--yes', '--url', evil.mcpUrl])
    await signIn(daemon, await idOf(daemon, 'signed'))
    expect((await cli(daemon, ['call', 'signed/whoami'])).code).toBe(0)
    // A refresh, and one that is refused.
    evil.grants.expireAccess()
    expect((await cli(daemon, ['call', 'signed/whoami'])).code).toBe(0)
    const nobody = await fetch(new URL('/oauth/callback?code=garbage&state=x', daemon.mcpUrl))
    show('page of the callback', await nobody.text())
    evil.mode = 'token-invalid-grant'
    await signIn(daemon, await idOf(daemon, 'failing'))
    evil.mode = 'managed-registration'
    await signIn(daemon, await idOf(daemon, 'leaving'))
    expect((await cli(daemon, ['call', 'leaving/whoami'])).code).toBe(0)
    await cli(
      daemon,
      ['login', 'failing', '--no-open', '--paste'],
      'http://127.0.0.1:1/oauth/callback?code=c&state=s\n',
    )
    expect((await cli(daemon, ['vault', 'export', file, '--yes'], `${passphrase}\n`)).code).toBe(0)
    expect((await cli(daemon, ['vault', 'import', file], `${wrongPassphrase}\n`)).code).not.toBe(0)
    expect((await cli(daemon, ['vault', 'rotate', '--all'])).stdout).not.toContain('unread')
    expect((await cli(daemon, ['call', 'signed/whoami'])).code).toBe(0)
    learn()
    for (const family of evil.grants.families.values()) family.revoked = true
    evil.grants.expireAccess()
    expect((await cli(daemon, ['call', 'signed/whoami'])).code).toBe(4)
    show('stderr of the daemon', daemon.log())
    daemon.kill('SIGKILL')
    await daemon.exited
  }
  {
    await using daemon = await start()
    await signIn(daemon, await idOf(daemon, 'signed'))
    await cli(daemon, ['vault', 'import', file, '--yes'], `${passphrase}\n`)
    for (const words of [
      ['status'],
      ['show', 'signed', '--json'],
      ['logs', '--all'],
      ['audit', '--json'],
      ['space', 'export'],
    ])
      await cli(daemon, words)
    await cli(daemon, ['logout', 'signed'])
    await cli(daemon, ['remove', 'leaving', '--yes'])
    await signIn(daemon, await idOf(daemon, 'signed'))
    await readAll(daemon)
    show('stderr of the daemon', daemon.log())
  }
  learn()
  const db = new Database(join(home.home, 'data', 'mcpmux.db'))
  db.run('UPDATE oauth_tokens SET envelope = zeroblob(60)')
  db.close()
  {
    await using daemon = await start()
    await cli(daemon, ['call', 'signed/whoami'])
    await cli(daemon, ['status', '--json'])
    await readAll(daemon)
    show('stderr of the daemon', daemon.log())
  }
}, 180_000)
afterAll(async () => {
  await evil[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
  home[Symbol.dispose]()
})

test('[threat.53] [threat.73] after sign-ins that work, fail, are renewed, refused and ended no secret of them is found', () => {
  const files = filesBelow(home.home)
  for (const path of files) show(path.slice(home.home.length), bytesIn(path))
  const found = shown.flatMap(({ where, text }) => canaries.find(where, text))
  expect(found.filter((find) => !allowed.some((entry) => allows(entry, find)))).toEqual([])
  const stale = allowed.filter((entry) => !found.some((find) => allows(entry, find)))
  expect(stale.map(({ because }) => because)).toEqual([])
  const kinds = new Set(canaries.kinds().map((kind) => kind.replace(/ \d+$/, '')))
  expect([...kinds].toSorted()).toEqual(
    [
      'PKCE verifier',
      'access token',
      'authorization code',
      'client secret',
      'export passphrase',
      'refresh token',
      'registration access token',
      'state of a sign-in',
      'wrong export passphrase',
    ].toSorted(),
  )
  expect(canaries.kinds().length).toBeGreaterThanOrEqual(25)
  expect(reads).toBeGreaterThan(60)
  expect(files.some((path) => path.endsWith('vault.export'))).toBe(true)
})
