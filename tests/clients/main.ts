// `npm run clients`: real AI clients from npm against the compiled gateway. Each runs its own list command with a key;
// the judge is our side: an authenticated session that names that client. Those that can sign in do so, too, without one. Needs about 1.5 GB of disk once.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { controlOf } from '../support/control'
import { startDaemon, type Daemon } from '../support/daemon'
import { everythingStdio } from '../support/reference-servers'
import { appServerRequest } from './codex-app-server'
import { checkSignIn, prepareSigning, signInRecipes } from './sign-in'

const here = import.meta.dir
const bin = (name: string) => join(here, 'node_modules', '.bin', name)

interface Recipe {
  /** What the client calls itself in `clientInfo.name`. */
  says: RegExp
  /** Writes the client's own configuration and runs its own list command; resolves with what it printed. */
  run(context: { home: string; url: string; key: string; env: Record<string, string> }): Promise<string>
}

interface Status {
  clients: { id: string; name: string }[]
  /** `clientInfo` is raw JSON. */
  sessions: { clientId: string; clientInfo: string }[]
}

function write(path: string, content: object | string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
}

async function execute(command: string[], env: Record<string, string>, cwd: string): Promise<string> {
  const child = Bun.spawn(command, { env, cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000)
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  clearTimeout(timer)
  return out + err
}

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` })

const recipes: Record<string, Recipe> = {
  'Claude Code': {
    says: /claude/i,
    async run({ home, url, key, env }) {
      await execute(
        [
          bin('claude'),
          'mcp',
          'add',
          '--transport',
          'http',
          '--scope',
          'user',
          'mcpmux',
          url,
          '--header',
          `Authorization: Bearer ${key}`,
        ],
        env,
        home,
      )
      return execute([bin('claude'), 'mcp', 'list'], env, home)
    },
  },
  opencode: {
    says: /opencode/i,
    run({ home, url, key, env }) {
      write(join(home, '.config/opencode/opencode.json'), {
        mcp: { mcpmux: { type: 'remote', url, headers: bearer(key), enabled: true } },
      })
      return execute([bin('opencode'), 'mcp', 'list'], env, home)
    },
  },
  'Gemini CLI': {
    // Its list command connects under this name; the key tells which client it is.
    says: /gemini|mcp-test-client/i,
    run({ home, url, key, env }) {
      write(join(home, '.gemini/settings.json'), {
        mcpServers: { mcpmux: { type: 'http', url, headers: bearer(key) } },
      })
      return execute([bin('gemini'), 'mcp', 'list'], { ...env, GEMINI_CLI_TRUST_WORKSPACE: 'true' }, home)
    },
  },
  Codex: {
    says: /codex/i,
    run({ home, url, key, env }) {
      write(
        join(home, '.codex/config.toml'),
        `[mcp_servers.mcpmux]\nurl = "${url}"\nhttp_headers = { "Authorization" = "Bearer ${key}" }\n`,
      )
      // `codex mcp list` prints the file only; the app server is what connects.
      return appServerRequest([bin('codex'), 'app-server'], env, home, 'mcpServerStatus/list', {})
    },
  },
  Inspector: {
    says: /inspector/i,
    run({ home, url, key, env }) {
      return execute(
        [
          bin('mcp-inspector'),
          '--cli',
          url,
          '--transport',
          'http',
          '--header',
          `Authorization: Bearer ${key}`,
          '--method',
          'tools/list',
        ],
        env,
        home,
      )
    },
  },
}

async function check(daemon: Daemon, name: string, recipe: Recipe): Promise<string | null> {
  const home = mkdtempSync(join(tmpdir(), 'mux-client-'))
  try {
    const key = (await daemon.ok('key', 'create', name)).trim()
    const env = {
      HOME: home,
      PATH: `${join(here, 'node_modules/node/bin')}:${process.env.PATH ?? ''}`,
      LANG: 'C.UTF-8',
      CI: '1',
      NO_COLOR: '1',
    }
    const said = new Set<string>()
    // Some end their session before they exit, so the looking goes on while they run.
    const control = controlOf(daemon)
    const look = async () => {
      const { clients, sessions } = await control.get<Status>('/status')
      const id = clients.find((client) => client.name === name)?.id
      for (const session of sessions) if (session.clientId === id) said.add(session.clientInfo)
    }
    const running = recipe.run({ home, url: daemon.mcpUrl, key, env })
    const looking = setInterval(() => void look(), 5)
    const printed = await running.finally(() => clearInterval(looking))
    await look()
    if ([...said].some((text) => recipe.says.test(text))) return null
    return `no session of it (saw ${[...said].join(', ') || 'none'}); it printed: ${printed.slice(0, 800)}`
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

const install = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
  cwd: here,
  stdout: 'ignore',
  stderr: 'inherit',
})
if ((await install.exited) !== 0) throw new Error('the clients could not be installed')

const only = process.argv.slice(2)
let failed = 0
await using daemon = await startDaemon()
await daemon.ok('add', 'everything', '--yes', '--', ...everythingStdio)
await prepareSigning(daemon, everythingStdio)
const checks: Record<string, () => Promise<string | null>> = {}
for (const [name, recipe] of Object.entries(recipes)) checks[name] = () => check(daemon, name, recipe)
for (const [name, recipe] of Object.entries(signInRecipes)) checks[name] = () => checkSignIn(daemon, recipe)
for (const [name, run] of Object.entries(checks)) {
  if (only.length > 0 && !only.some((wanted) => name.toLowerCase().includes(wanted.toLowerCase()))) continue
  const problem = await run().catch((error: unknown) => String(error))
  if (problem) failed++
  process.stdout.write(`${problem ? 'FAIL' : 'ok  '} ${name}${problem ? `: ${problem}` : ''}\n`)
}
process.exitCode = failed > 0 ? 1 : 0
