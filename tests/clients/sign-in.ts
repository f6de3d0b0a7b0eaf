// Real AI clients that are given an address on localhost and no key: each begins its own sign-in, a browser without eyes
// follows the link, and a person approves on the command line.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { controlOf } from '../support/control'
import { type Daemon, eventually } from '../support/daemon'
import { appServerRequest } from './codex-app-server'

const here = import.meta.dir
const bin = (name: string) => join(here, 'node_modules', '.bin', name)

interface Recipe {
  /** Its own configuration, with the address and nothing else. */
  configuration(url: string): { path: string; text: string }
  login: string[]
  /** Makes it connect; resolves with what it says of its tools. */
  list(env: Record<string, string>, home: string): Promise<string>
  /** Whether it says which tools it has. */
  names: boolean
}

const printed = async (command: string[], env: Record<string, string>, cwd: string): Promise<string> => {
  const child = Bun.spawn(command, { env, cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000)
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  clearTimeout(timer)
  return out + err
}

export const signInRecipes: Record<string, Recipe> = {
  'opencode, signing in': {
    configuration: (url) => ({
      path: '.config/opencode/opencode.json',
      text: JSON.stringify({ mcp: { mcpmux: { type: 'remote', url, enabled: true } } }),
    }),
    login: [bin('opencode'), 'mcp', 'auth', 'mcpmux'],
    list: (env, home) => printed([bin('opencode'), 'mcp', 'list'], env, home),
    names: false,
  },
  'Codex, signing in': {
    configuration: (url) => ({ path: '.codex/config.toml', text: `[mcp_servers.mcpmux]\nurl = "${url}"\n` }),
    login: [bin('codex'), 'mcp', 'login', 'mcpmux'],
    list: (env, home) =>
      appServerRequest([bin('codex'), 'app-server'], env, home, 'mcpServerStatus/list', {}),
    names: true,
  },
}

interface Seen {
  approvals: { code: string }[]
  sessions: { clientId: string }[]
}

/** Null when it signed in and got the approved set and no other, else what went wrong. The set is `Two` of `Signing`. */
export async function checkSignIn(daemon: Daemon, recipe: Recipe): Promise<string | null> {
  const home = mkdtempSync(join(tmpdir(), 'mux-signin-'))
  try {
    const { path, text } = recipe.configuration(daemon.mcpUrl.replace('127.0.0.1', 'localhost'))
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), text)
    mkdirSync(join(home, 'bin'))
    const script = `#!/bin/sh\nexec '${process.execPath}' '${join(here, 'browser.ts')}' "$1"\n`
    // Some programs open a page by the one, some by the other.
    for (const name of ['browser', 'xdg-open', 'open']) {
      writeFileSync(join(home, 'bin', name), script)
      chmodSync(join(home, 'bin', name), 0o755)
    }
    const env = {
      HOME: home,
      PATH: `${join(home, 'bin')}:${join(here, 'node_modules/node/bin')}:${process.env.PATH ?? ''}`,
      BROWSER: join(home, 'bin/browser'),
      DISPLAY: ':0',
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
    }
    const control = controlOf(daemon)
    const login = printed(recipe.login, env, home)
    const { approvals } = await eventually(
      () => control.get<Seen>('/status'),
      (seen) => seen.approvals.length > 0,
      60_000,
    )
    const approved = JSON.parse(
      await daemon.ok('approve', approvals[0]?.code ?? '', '--space', 'Signing', '--set', 'Two', '--json'),
    ) as { client: { id: string; name: string } }
    const said = await login
    const listed = await recipe.list(env, home)
    const wanted = ['every_echo', 'every_get-sum']
    if (recipe.names) {
      const got = [...new Set(listed.match(/every_[a-zA-Z-]+/g))].toSorted()
      return got.join() === wanted.join() ? null : `it lists ${got.join(', ')}; it printed: ${said}${listed}`
    }
    // It does not say which; our side says what the client was given.
    const given = JSON.parse(await daemon.ok('tools', '--client', approved.client.name, '--json')) as {
      name: string
    }[]
    const used = (
      await control.get<{ id: string; signIns: { lastUsedAt: number | null }[] }[]>('/clients')
    ).find(({ id }) => id === approved.client.id)
    const { sessions } = await control.get<Seen>('/status')
    const connected = /connected/.test(listed) && sessions.some(({ clientId }) => clientId === used?.id)
    const names = given.map(({ name }) => name).toSorted()
    return connected && names.join() === wanted.join() ? null : `it printed: ${said}${listed}`
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** What the approvals are for: a Space of its own, and a set of two tools in it. */
export async function prepareSigning(daemon: Daemon, server: readonly string[]): Promise<void> {
  await daemon.ok('space', 'create', 'Signing')
  await daemon.ok('add', 'every', '--space', 'Signing', '--yes', '--', ...server)
  await daemon.ok(
    'set',
    'create',
    'Two',
    '--space',
    'Signing',
    '--include',
    'every/echo',
    '--include',
    'every/get-sum',
  )
}
