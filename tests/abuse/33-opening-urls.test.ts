// Addresses of servers on their way to the browser: what is not plainly a web address starts nothing, and what is one is
// an argument of one program that is no shell.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { browserEnvironment } from '../../gateway/browser/browser-environment'
import { cleanUrl, LONGEST_URL } from '../../gateway/browser/clean-url'
import type { Opened } from '../../gateway/browser/open-browser'
import { openersOf } from '../../gateway/browser/openers'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { placeRecorder } from '../support/browser-recorder'
import { cleanEnvironment } from '../support/daemon'
import { startEvilAs } from '../support/evil-as'
import { startKeyring } from '../support/keyring'
import { program, startSourceDaemon } from '../support/source-daemon'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mux-open-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const refused = [
  // Schemes that start something.
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'javascript://example.com/%0aalert(1)',
  'java\nscript:alert(1)',
  'vbscript:msgbox(1)',
  'data:text/html,<script>alert(1)</script>',
  'file:///etc/passwd',
  'file://host/share/evil.exe',
  'FILE:/etc/passwd',
  'blob:https://example.com/1234',
  'about:blank',
  'view-source:https://example.com/',
  'chrome://settings',
  'ms-msdt:/id PCWDiagnostic /skip force /param "IT_RebrowseForFile=?"',
  'ms-msdt:id',
  'ms-officecmd:{}',
  'search-ms:query=x&crumb=location:%5C%5Cevil.example%5C',
  'ms-settings:',
  'shell:startup',
  'mailto:a@b.example',
  'tel:+123',
  'ssh://-oProxyCommand=calc/',
  'ftp://example.com/',
  'smb://evil.example/share',
  'ws://example.com/',
  'vscode://file/etc/passwd',
  'mcpmux://install?x=1',
  'jar:https://example.com/x.jar!/',
  'intent://example.com#Intent;scheme=https;end',
  // Commands and flags.
  '$(calc)',
  '`calc`',
  '|calc',
  '; calc',
  'a"&calc',
  "a'&calc",
  '--flag',
  '-a Calculator',
  '--help=https://example.com/',
  '-https://example.com/',
  'calc.exe',
  '/etc/passwd',
  'C:\\Windows\\System32\\calc.exe',
  '\\\\evil.example\\share\\x.exe',
  '//evil.example/x',
  '',
  // Spellings that a parser repairs.
  'https://example.com/"&calc&"',
  "https://example.com/'+calc",
  'https:\\\\example.com\\',
  'https://example.com\\@evil.example/',
  'https:example.com',
  'https:/example.com',
  'https:///example.com',
  ' https://example.com/',
  'https://example.com/ --flag',
  'https://example.com/a b',
  'https://example.com/\r\nSet-Cookie: a=b',
  'https://example.com/\u0000',
  'https://example.com/\tx',
  'ht\ttps://example.com/',
  'https://exa\nmple.com/',
  'https://example.com/\u007f',
  'https://example.com/\u0085',
  'https://example.com/\u202ecod.exe',
  'https://example.com/\u2066x',
  'https://exam\u200bple.com/',
  'https://example.com/\u00a0x',
  'https://example.com/\ufeff',
  'https://example.com/\ud800',
  // Hosts and credentials.
  'https://user:pass@example.com/',
  'https://good.example@evil.example/',
  'https://@example.com/',
  'https://:@example.com/',
  'https://-oProxyCommand=calc/',
  'https://$(calc).example/',
  'https://a;calc/',
  'https://exa%00mple.com/',
  'https://',
  'https://[::1',
  'https://example.com:99999/',
  'http://example.com/',
  'http://192.168.1.1/',
  'http://127.0.0.1.evil.example/',
  'http://localhost.evil.example/',
  'http://evil.localhost/',
  'http://0.0.0.0/',
  'http://[::ffff:8.8.8.8]/',
  `https://example.com/${'a'.repeat(LONGEST_URL)}`,
  `https://example.com/${'ü'.repeat(LONGEST_URL / 2)}`,
  `https://example.com/?${'$'.repeat(LONGEST_URL / 2)}`,
]

const opened: Record<string, string> = {
  'https://example.com': 'https://example.com/',
  'HTTPS://EXAMPLE.COM/Path?q=1#f': 'https://example.com/Path?q=1#f',
  'https://as.example/authorize?client_id=x&scope=a%20b&redirect_uri=http%3A%2F%2F127.0.0.1%3A9315%2Foauth%2Fcallback':
    'https://as.example/authorize?client_id=x&scope=a%20b&redirect_uri=http%3A%2F%2F127.0.0.1%3A9315%2Foauth%2Fcallback',
  'https://example.com/$(calc)': 'https://example.com/%24%28calc%29',
  'https://example.com/?a=$(calc)&b=`calc`': 'https://example.com/?a=%24%28calc%29&b=%60calc%60',
  'https://example.com/?a=1&calc.exe': 'https://example.com/?a=1&calc.exe',
  'https://example.com/?a=|calc<x>y^z{1}': 'https://example.com/?a=%7Ccalc%3Cx%3Ey%5Ez%7B1%7D',
  'https://example.com/#$(calc)': 'https://example.com/#%24%28calc%29',
  'https://example.com/--flag': 'https://example.com/--flag',
  'https://example.com/%0d%0aSet-Cookie:a': 'https://example.com/%0d%0aSet-Cookie:a',
  'https://example.com/%E2%80%AEcod.exe': 'https://example.com/%E2%80%AEcod.exe',
  'https://example.com/%22%26calc': 'https://example.com/%22%26calc',
  'https://bücher.example/ä?ö#ü': 'https://xn--bcher-kva.example/%C3%A4?%C3%B6#%C3%BC',
  'https://аpple.example/': 'https://xn--pple-43d.example/',
  'https://example.com/a/../../b': 'https://example.com/b',
  'https://example.com:443/': 'https://example.com/',
  'http://127.0.0.1:9315/oauth': 'http://127.0.0.1:9315/oauth',
  'http://2130706433/': 'http://127.0.0.1/',
  'http://localhost:8080/x': 'http://localhost:8080/x',
  'http://[::1]:8080/x': 'http://[::1]:8080/x',
}

const display = { DISPLAY: ':7' }

/** Opens all of `urls` in a process of its own under strace; what it started is there to see. */
async function watch(urls: readonly string[], environment: Record<string, string>, cwd = process.cwd()) {
  const trace = join(folder, `trace-${crypto.randomUUID()}`)
  const child = Bun.spawn(
    [
      ...['strace', '-f', '-qq', '-s', '9999', '-e', 'trace=execve,execveat', '-o', trace, process.execPath],
      join(import.meta.dir, '..', 'servers', 'url-opener.ts'),
      JSON.stringify({ environment, urls }),
    ],
    { cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
  )
  const outcomes = JSON.parse(await new Response(child.stdout).text()) as Opened[]
  // Failed attempts count too: nobody looks for a shell, either.
  const started = [...readFileSync(trace, 'utf8').matchAll(/execve(?:at)?\("((?:[^"\\]|\\.)*)"/g)]
  return { outcomes, programs: started.map(([, program = '']) => program) }
}

test('[threat.33] only clean web addresses reach the program, one argument each, and no shell is started', async () => {
  expect(new Set(refused).size + Object.keys(opened).length).toBeGreaterThanOrEqual(60)
  const recorder = placeRecorder(join(folder, 'all'))
  const canaries = {
    MCPMUX_HOME: '/nowhere/canary',
    MCPMUX_KEY: 'canary',
    API_KEY: 'canary',
    LD_PRELOAD: '/nowhere/canary.so',
    NODE_OPTIONS: '--require=/nowhere/canary.js',
    BUN_INSPECT: 'canary',
    BROWSER: 'canary %s',
    'BASH_FUNC_x%%': '() { canary; }',
    LC_ALL: '() { canary; }',
  }
  const wanted = { HOME: folder, XDG_CURRENT_DESKTOP: 'GNOME', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x' }
  const environment = { PATH: `${recorder.folder}:/usr/bin:/bin`, ...display, ...wanted, ...canaries }
  const { outcomes, programs } = await watch([...refused, ...Object.keys(opened)], environment)
  expect(outcomes.slice(0, refused.length).map(({ outcome }, at) => [refused[at], outcome])).toEqual(
    refused.map((url) => [url, 'refused']),
  )
  expect(outcomes.slice(refused.length)).toEqual(Object.keys(opened).map(() => ({ outcome: 'opened' })))
  const openings = recorder.openings()
  expect(openings.map(({ args }) => args)).toEqual(Object.values(opened).map((url) => [url]))
  // The first is the process that opens; a reason never repeats the address.
  expect(programs.slice(1)).toEqual(openings.map(() => recorder.program))
  expect(JSON.stringify(outcomes)).not.toMatch(/calc|evil|example/)
  for (const { environment: seen, cwd } of openings) {
    expect(seen).toMatchObject({ ...display, ...wanted })
    expect(JSON.stringify(seen)).not.toContain('canary')
    expect(cwd).toBe('/')
  }
})

test('[threat.33] no program is found in the folder one stands in, nor by a relative part of PATH', async () => {
  const planted = placeRecorder(join(folder, 'planted'))
  const environment = { PATH: `.::bin:${join(folder, 'none')}`, ...display, BROWSER: './xdg-open' }
  const { outcomes, programs } = await watch(['https://example.com/'], environment, planted.folder)
  expect(outcomes).toEqual([{ outcome: 'unavailable', reason: 'there is no browser here' }])
  expect(programs.length).toBe(1)
  expect(planted.openings()).toEqual([])
})

test('[threat.33] without a screen there is no browser, and a program that fails is passed over for the next', async () => {
  const failing = placeRecorder(join(folder, 'two'), 'xdg-open', 4)
  const next = placeRecorder(join(folder, 'two'), 'gio')
  const PATH = failing.folder
  const url = 'https://example.com/'
  expect((await watch([url], { PATH })).outcomes).toMatchObject([{ outcome: 'unavailable' }])
  expect(failing.openings()).toEqual([])
  expect((await watch([url], { PATH, WAYLAND_DISPLAY: 'w' })).outcomes).toEqual([{ outcome: 'opened' }])
  expect(failing.openings().length).toBe(1)
  expect(next.openings().map(({ args }) => args)).toEqual([['open', url]])
  rmSync(next.program)
  expect((await watch([url], { PATH, ...display })).outcomes).toEqual([
    { outcome: 'unavailable', reason: 'no browser could be started' },
  ])
  // Not a program at all: the failure is an answer, too.
  writeFileSync(failing.program, 'neither a script nor a program')
  chmodSync(failing.program, 0o755)
  const { outcomes, programs } = await watch([url], { PATH, ...display })
  expect(outcomes).toMatchObject([{ outcome: 'unavailable' }])
  // A library may hand such a file to a shell; here nobody does.
  expect(programs.slice(1)).toEqual([failing.program])
})

test('[threat.33] BROWSER is used when it is one program, and never as a command line', () => {
  const own = placeRecorder(join(folder, 'own dir'), 'firefox')
  const plain = placeRecorder(join(folder, 'own'), 'firefox')
  const chosen = (BROWSER: string) =>
    openersOf({ platform: 'linux', environment: { PATH: plain.folder, BROWSER } })
  expect(chosen(plain.program)).toEqual([[plain.program]])
  expect(chosen('firefox')).toEqual([[plain.program]])
  for (const bad of [
    '',
    `${plain.program} %s`,
    `${plain.program}:lynx`,
    `${plain.program};calc`,
    '$(calc)',
    '-firefox',
    './firefox',
    'own/firefox',
    own.program,
    join(plain.folder, 'absent'),
    plain.folder,
  ])
    expect([bad, chosen(bad)]).toEqual([bad, []])
})

test('[threat.33] other systems have one program each, by its full path', () => {
  const place = { environment: { PATH: folder, BROWSER: 'calc' } }
  expect(openersOf({ ...place, platform: 'darwin' })).toEqual([['/usr/bin/open']])
  const windows = (SystemRoot: string) =>
    openersOf({ environment: { PATH: folder, SystemRoot }, platform: 'win32' })
  expect(windows('D:\\Win')).toEqual([['D:\\Win\\System32\\rundll32.exe', 'url.dll,FileProtocolHandler']])
  expect(windows('..\\x')).toEqual([['C:\\Windows\\System32\\rundll32.exe', 'url.dll,FileProtocolHandler']])
})

test('[threat.33] the environment of an opener is complete by name', () => {
  const environment = { PATH: '.:relative:/usr/bin', HOME: '/h', MCPMUX_KEY: 'k', TOKEN: 't', XDG_X: 'x' }
  expect(browserEnvironment(environment, 'linux')).toEqual({ PATH: '/usr/bin', HOME: '/h', XDG_X: 'x' })
  expect(browserEnvironment({}, 'linux')).toEqual({ PATH: '/usr/local/bin:/usr/bin:/bin' })
  expect(browserEnvironment({ Path: 'C:\\Windows', MCPMUX_KEY: 'k' }, 'win32')).toEqual({
    Path: 'C:\\Windows',
  })
})

test('[threat.33] of what an authorization server calls its page, the command line opens addresses only, and no shell', async () => {
  await using keyring = await startKeyring()
  const recorder = placeRecorder(join(folder, 'command'))
  const desktop = { ...display, PATH: `${recorder.folder}:${process.env.PATH ?? ''}` }
  await using daemon = await startSourceDaemon({ ...keyring.env, ...desktop })
  const modes = modesOf(33)
  expect(modes.length).toBeGreaterThan(10)
  for (const [at, mode] of modes.entries()) {
    await using evil = await startEvilAs({ mode })
    await daemon.cli(['add', `s${at}`, '--yes', '--url', evil.mcpUrl])
    const before = recorder.openings().length
    const trace = join(folder, `command-${at}`)
    const child = Bun.spawn(
      ['strace', '-f', '-qq', '-e', 'trace=execve,execveat', '-o', trace, ...program, 'login', `s${at}`],
      {
        env: cleanEnvironment(daemon.home, { MCPMUX_HOME: daemon.dataDir, ...desktop }),
        ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
      },
    )
    const screen = child.stderr.getReader()
    const works = modeNamed(mode).outcome === 'works'
    // It waits for the person once the page is open.
    for (let text = ''; works && !text.includes('opened in your browser'); ) {
      const { value, done } = await screen.read()
      if (done) throw new Error(`${mode}: ${text}`)
      text += new TextDecoder().decode(value)
    }
    if (works) child.kill('SIGKILL')
    else expect([mode, await child.exited]).toEqual([mode, 1])
    await child.exited
    const mine = recorder.openings().slice(before)
    expect([mode, mine.length]).toEqual([mode, works ? 1 : 0])
    for (const { args } of mine) {
      expect(args.length).toBe(1)
      expect(args[0]).toStartWith(`${evil.issuer}/authorize?`)
    }
    const started = [...readFileSync(trace, 'utf8').matchAll(/execve(?:at)?\("((?:[^"\\]|\\.)*)"/g)]
    const programs = started.map(([, name = '']) => name).filter((name) => name !== program[0])
    expect([mode, programs]).toEqual([mode, works ? [recorder.program] : []])
  }
})

test('[threat.33] the gateway itself opens a page the same way', async () => {
  await using keyring = await startKeyring()
  await using evil = await startEvilAs()
  const recorder = placeRecorder(join(folder, 'gateway'))
  const desktop = { ...display, PATH: `${recorder.folder}:${process.env.PATH ?? ''}` }
  await using daemon = await startSourceDaemon({ ...keyring.env, ...desktop, MCPMUX_KEY: 'canary' })
  const added = await daemon.cli(['add', 's', '--yes', '--url', evil.mcpUrl, '--json'])
  const { id } = JSON.parse(added.stdout) as { id: string }
  for (const browser of ['opened', 'recently', 'recently']) {
    const answer = await daemon.fetch(`/servers/${id}/login`, { method: 'POST', body: '{"open":true}' })
    expect(await answer.json()).toMatchObject({ phase: 'waiting', browser })
  }
  const [opening, ...more] = recorder.openings()
  expect(more).toEqual([])
  expect(opening).toMatchObject({ args: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/authorize\?/)] })
  // Nobody stands between the two.
  expect(opening?.parent).toBe(daemon.pid)
  expect(JSON.stringify(opening)).not.toContain('canary')
  expect(opening?.environment.MCPMUX_HOME).toBeUndefined()
})

test('[threat.33] whatever is written into an address, what comes out is plain and means the same to a browser', () => {
  const start = fc.constantFrom('', 'https://', 'https://example.com/', 'http://127.0.0.1/', 'javascript:')
  fc.assert(
    fc.property(start, fc.string({ unit: 'binary', maxLength: 40 }), (before, rest) => {
      const { url } = cleanUrl(before + rest)
      if (url === null) return
      expect(url).toMatch(/^(https:\/\/|http:\/\/(localhost|127\.|\[))[!#%&*+,\-./0-9:;=?@A-Z[\]_a-z~]*$/)
      expect(cleanUrl(url)).toEqual({ url, refused: null })
      expect(new URL(url).host).toBe(new URL(before + rest).host)
      expect(new URL(url).username).toBe('')
    }),
    { numRuns: 2000 },
  )
})
