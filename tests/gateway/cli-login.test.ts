// A person's way to a server that wants a sign-in, on the command line, with a browser that follows redirects.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type BrowserRecorder, placeRecorder } from '../support/browser-recorder'
import { startEvilAs } from '../support/evil-as'
import { type Keyring, startKeyring } from '../support/keyring'
import { startSourceDaemon } from '../support/source-daemon'

let keyring: Keyring
let folder: string
let browser: BrowserRecorder
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
/** Where a browser can be opened. */
let desktop: Record<string, string>
beforeAll(async () => {
  keyring = await startKeyring()
  folder = mkdtempSync(join(tmpdir(), 'mux-login-'))
  browser = placeRecorder(join(folder, 'bin'), 'xdg-open', 0, true)
  desktop = { DISPLAY: ':7', PATH: [browser.folder, process.env.PATH].join(delimiter) }
  daemon = await startSourceDaemon({ ...keyring.env, ...desktop })
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const opened = () => browser.openings().map(({ args }) => args)

/** A server that wants a sign-in, and its name here. */
async function guarded(name: string) {
  const evil = await startEvilAs()
  const added = await daemon.cli(['add', name, '--yes', '--url', evil.mcpUrl], { env: desktop })
  return { evil, added }
}

test('[oauth.flow] a server is added, signed in at, and used', async () => {
  const { evil, added } = await guarded('first')
  await using _evil = evil
  expect([added.code, added.stdout]).toEqual([4, ''])
  expect(added.stderr).toContain(
    'first is added, but not connected\n  sign-in needed: mcpmux login first (nobody is signed in)\n',
  )
  expect((await daemon.cli(['status'])).stdout).toContain('sign-in needed: mcpmux login first')
  expect((await daemon.cli(['list'])).stderr).toContain('sign-in needed: mcpmux login first')
  expect((await daemon.cli(['show', 'first'])).stdout).toContain('sign-in needed: mcpmux login first')

  const { code, stdout, stderr } = await daemon.cli(['login', 'first'], { env: desktop })
  expect([code, stdout]).toEqual([0, 'signed in to first\nfirst: 2 tools\n'])
  expect(stderr).toContain(`at       ${new URL(evil.issuer).host}`)
  expect(stderr).toContain('rights   tools:read')
  const [[url = ''] = []] = opened().slice(-1)
  expect(stderr).toContain(`page     ${url}\n`)
  expect(url).toStartWith(`${evil.issuer}/authorize?`)

  const call = await daemon.cli(['call', 'first/whoami'])
  expect([call.code, call.stdout]).toEqual([0, expect.stringContaining('tools:read')])
  const shown = (await daemon.cli(['show', 'first'])).stdout
  expect(shown).toContain(`sign-in   at ${evil.issuer}`)
  expect(shown).not.toContain('sign-in needed')
  expect((await daemon.cli(['credentials', 'first'])).stdout).toMatch(/ sign-in +tokens of \S+Z$/m)
  expect((await daemon.cli(['status'])).stdout).not.toContain('sign-in needed: mcpmux login first')
  const all = [
    stdout,
    stderr,
    shown,
    (await daemon.cli(['show', 'first', '--json'])).stdout,
    daemon.log(),
  ].join()
  for (const secret of evil.secretsAt('issuer')) expect(all).not.toContain(secret)

  const out = await daemon.cli(['logout', 'first'])
  expect([out.code, out.stdout, out.stderr]).toEqual([0, 'signed out of first\n', ''])
  expect((await daemon.cli(['logout', 'first'])).stdout).toBe('not signed in to first\n')
  const remark = 'sign-in needed: mcpmux login first (nobody is signed in)'
  expect((await daemon.cli(['show', 'first'])).stdout).toContain(`state     ${remark}\n`)
  expect((await daemon.cli(['status'])).stdout).toMatch(
    / first +sign-in needed +2 +sign-in needed: mcpmux login first /,
  )
  const listed = await daemon.cli(['list'])
  expect([listed.stdout, listed.stderr]).toEqual([
    expect.stringMatching(/^first +first +sign-in needed +2 /m),
    expect.stringContaining(`first: ${remark}\n`),
  ])
  const refused = await daemon.cli(['call', 'first/whoami'])
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain('mcpmux login first')
  const audit = (await daemon.cli(['audit'])).stdout
  for (const action of ['login.begun', 'login.done', 'logout.done']) expect(audit).toContain(action)
})

test('[oauth.flow] [threat.39] a tool that needs more rights says so, and the next sign-in asks for them too', async () => {
  const { evil } = await guarded('rights')
  await using _evil = evil
  expect((await daemon.cli(['login', 'rights'], { env: desktop })).code).toBe(0)
  const refused = await daemon.cli(['call', 'rights/admin'])
  expect([refused.code, refused.stdout]).toEqual([4, ''])
  expect(refused.stderr).toContain('mcpmux login rights')
  const reason = 'sign-in needed: mcpmux login rights (the server asks for more rights)'
  expect((await daemon.cli(['status'])).stdout).toContain(reason)
  expect((await daemon.cli(['show', 'rights'])).stdout).toContain(reason)
  // What needs no more goes on meanwhile.
  expect((await daemon.cli(['call', 'rights/whoami'])).code).toBe(0)

  const more = await daemon.cli(['login', 'rights'], { env: desktop })
  expect(more.code).toBe(0)
  expect(more.stderr).toMatch(/rights {3}tools:read .*tools:admin|rights {3}tools:admin .*tools:read/)
  expect(more.stderr).toContain('  new      tools:admin\n')
  expect((await daemon.cli(['call', 'rights/admin'])).code).toBe(0)
  expect((await daemon.cli(['status'])).stdout).not.toContain('mcpmux login rights')
})

test('[oauth.flow] without a browser the link is shown, and the address it ends at can be given', async () => {
  const { evil } = await guarded('second')
  await using _evil = evil
  const before = opened().length
  const waits = await daemon.cli(['login', 'second', '--json'])
  expect(waits.code).toBe(4)
  expect(waits.stderr).toContain('there is no browser here')
  const { url } = JSON.parse(waits.stdout) as { url: string }
  expect(waits.stderr).toContain(`page     ${url}\n`)
  expect((await daemon.cli(['login', 'second', '--no-open'], { env: desktop })).stderr).toContain(url)
  expect(opened().length).toBe(before)

  // An address that is none of a sign-in's is refused, and changes nothing.
  const paste = (stdin: string) => daemon.cli(['login', 'second', '--paste', '--no-open'], { stdin })
  for (const [address, error] of [
    ['http://127.0.0.1/nothing', '(…/oauth/callback?…), or it was used already (oauth.flow_unknown)'],
    ['', 'input.invalid'],
  ] as const) {
    const wrong = await paste(`${address}\n`)
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([1, '', expect.stringContaining(error)])
  }
  const right = await paste(`${(await evil.browse(url)).href}\n`)
  expect([right.code, right.stdout]).toEqual([0, 'signed in to second\nsecond: 2 tools\n'])
})

test('[oauth.flow] a sign-in that is refused says so, and is still needed', async () => {
  const { evil } = await guarded('third')
  await using _evil = evil
  evil.mode = 'error-denied'
  const { code, stderr } = await daemon.cli(['login', 'third'], { env: desktop })
  expect(code).toBe(1)
  expect(stderr).toContain('(oauth.denied)')
  expect((await daemon.cli(['show', 'third'])).stdout).toContain('sign-in needed: mcpmux login third')
})

test('[oauth.flow] on a terminal add offers to sign in at once', async () => {
  await using evil = await startEvilAs()
  const { code, screen, unasked } = await daemon.onTerminal(
    ['add', 'fourth', '--url', evil.mcpUrl],
    [
      ['Add it? [y/N]', 'y\n'],
      ['Do that now? [y/N]', 'y\n'],
    ],
    desktop,
  )
  expect([code, unasked]).toEqual([0, []])
  expect(screen).toContain('opened in your browser')
  expect(screen).toContain('fourth: 2 tools')
})

test('[oauth.flow] on a terminal without a browser the address is pasted, unseen, and Ctrl-C ends the wait', async () => {
  const { evil } = await guarded('fifth')
  await using _evil = evil
  const stopped = await daemon.onTerminal(['login', 'fifth'], [['(it is not shown)', '\u0003']])
  expect(stopped.code).toBe(1)
  expect(stopped.screen).toContain('cancelled')

  const { stdout } = await daemon.cli(['login', 'fifth', '--no-open', '--json'])
  const address = (await evil.browse((JSON.parse(stdout) as { url: string }).url)).href
  const pasted = await daemon.onTerminal(
    ['login', 'fifth', '--no-open'],
    [['(it is not shown)', `${address}\r`]],
  )
  expect(pasted.code).toBe(0)
  expect(pasted.screen).toContain('fifth: 2 tools')
  expect(pasted.screen).not.toContain(new URL(address).searchParams.get('code') ?? 'none')
})

test('[oauth.flow] Ctrl-C while the browser is open cancels the sign-in', async () => {
  const { evil } = await guarded('patient')
  await using _evil = evil
  const idle = placeRecorder(join(folder, 'idle'))
  const env = { DISPLAY: ':7', PATH: [idle.folder, process.env.PATH].join(delimiter) }
  const { code, screen } = await daemon.onTerminal(
    ['login', 'patient'],
    [['waiting for you to sign in', '\u0003']],
    env,
  )
  expect(code).toBe(1)
  expect(screen).toContain('the sign-in was cancelled')
  expect(idle.openings().length).toBe(1)
  const flows = (await (await daemon.fetch('/flows/')).json()) as { phase: string }[]
  expect(flows[0]?.phase).toBe('cancelled')
})

test('[oauth.flow] a client id that was registered by hand is given with its secret from the environment', async () => {
  const { evil } = await guarded('sixth')
  await using _evil = evil
  const { clientId, clientSecret } = evil.giveClient('client_secret_basic')
  const login = ['login', 'sixth', '--client-id', clientId]
  const alone = await daemon.cli([...login, '--client-secret'], { env: desktop })
  expect([alone.code, alone.stderr]).toEqual([1, expect.stringContaining('no value was given')])
  const env = { ...desktop, CLIENT_SECRET: clientSecret ?? '' }
  const given = await daemon.cli([...login, '--client-secret'], { env })
  expect([given.code, given.stdout]).toEqual([0, 'signed in to sixth\nsixth: 2 tools\n'])
  expect(given.stderr).not.toContain(clientSecret ?? 'none')
  expect((await daemon.cli(['login', 'sixth', '--client-secret'])).code).toBe(2)
})

test('[cli] what cannot be signed in at says so', async () => {
  const raw = [process.execPath, join(import.meta.dir, '..', 'servers', 'raw-stdio.ts')]
  await daemon.cli(['add', 'local', '--yes', '--', ...raw])
  const { code, stderr } = await daemon.cli(['login', 'local'], { env: desktop })
  expect([code, stderr]).toEqual([5, expect.stringContaining('oauth.not_offered')])
  expect((await daemon.cli(['login', 'nobody'])).stderr).toContain('server.unknown')
  expect((await daemon.cli(['login'])).code).toBe(2)
})
