import { readConfig } from '../config'
import { startClean } from './clean-start'
import { createAdminClient } from './client'
import { type Command, type Context, exit } from './command'
import { renderFailure } from './failure'
import { createIo } from './io'
import { nearest } from './nearest'
import { UsageError } from './usage'
import { version } from '../version'

const commands: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  serve: () => import('./serve'),
  status: () => import('./status'),
  quit: () => import('./quit'),
  add: () => import('./add'),
  list: () => import('./list'),
  ls: () => import('./list'),
  show: () => import('./show'),
  remove: () => import('./remove'),
  rm: () => import('./remove'),
  enable: () => import('./enable'),
  disable: () => import('./disable'),
  restart: () => import('./restart'),
  credentials: () => import('./credentials'),
  secret: () => import('./secret'),
  login: () => import('./login'),
  logout: () => import('./logout'),
  key: () => import('./key'),
  client: () => import('./clients'),
  approve: () => import('./approve'),
  deny: () => import('./deny'),
  signin: () => import('./signin'),
  space: () => import('./space'),
  set: () => import('./set'),
  grant: () => import('./grant'),
  tools: () => import('./tools'),
  call: () => import('./call'),
  config: () => import('./config'),
  logs: () => import('./logs'),
  audit: () => import('./audit'),
  consent: () => import('./consent'),
  pins: () => import('./pins'),
  vault: () => import('./vault'),
}

const overview = `McpMux ${version}: one local endpoint for all your MCP servers

  mcpmux serve                  run the gateway in the foreground
  mcpmux status                 where it listens, what its servers do, what is missing
  mcpmux quit                   stop it
  mcpmux add NAME -- COMMAND    add a server (or --url URL)
  mcpmux list | show SERVER | remove SERVER
  mcpmux enable SERVER | disable SERVER | restart SERVER
  mcpmux credentials [SERVER]   values and keys of servers (also: set, remove, client)
  mcpmux secret set NAME        a secret for several servers of a Space (also: list, remove)
  mcpmux login SERVER           sign in at a remote server (also: logout)
  mcpmux key create CLIENT      a key for an AI client (also: list, rotate, edit, revoke)
  mcpmux client list            AI clients (also: show, pin, rename, remove)
  mcpmux approve [ID]           let a program in that asked to sign in (also: deny, signin list)
  mcpmux space list             Spaces (also: create, use, rename, remove)
  mcpmux set list               Feature Sets (also: show, create, edit, remove)
  mcpmux grant CLIENT --set F   what a client may use
  mcpmux tools [--client C]     tools under the names clients see
  mcpmux call SERVER/TOOL JSON  call one tool
  mcpmux consent [SERVER]       what waits for your approval, and why
  mcpmux pins                   what servers offer otherwise than before (also: accept, policy)
  mcpmux logs [SERVER] [-f]     what was written down
  mcpmux audit [-f]             who did what, and what was refused
  mcpmux config get | set       settings
  mcpmux vault status           what keeps the secrets (also: unlock, use, rotate, export, import, reset)

"mcpmux COMMAND --help" says more. Every command takes --data-dir D, every read --json.`

/** What other programs call these commands. */
const elsewhere: Readonly<Record<string, string>> = {
  start: 'serve',
  stop: 'quit',
  server: 'list',
  servers: 'list',
  install: 'add',
  import: 'add',
  delete: 'remove',
  uninstall: 'remove',
}

function unknownCommand(name: string): string {
  const meant = Object.hasOwn(elsewhere, name) ? elsewhere[name] : nearest(name, Object.keys(commands))
  const guess = meant ? `; did you mean "${meant}"?` : ';'
  return `mcpmux: there is no command "${name}"${guess} "mcpmux help" lists them`
}

const named = (name: string): (() => Promise<{ command: Command }>) | undefined =>
  Object.hasOwn(commands, name) ? commands[name] : undefined

const open = (dataDir: string | undefined): Context => {
  const config = readConfig(dataDir)
  return { io: createIo(config), admin: createAdminClient(config) }
}

const asksForHelp = (args: readonly string[]): boolean => {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

/** Without words: the status of a gateway that runs, else the overview. */
async function alone(args: readonly string[]): Promise<number> {
  const { command } = await import('./status')
  try {
    return await command.run(args, open)
  } catch (error) {
    if (renderFailure(error).exitCode !== exit.absent) throw error
    const io = createIo(readConfig())
    await io.out(overview)
    io.talk('\nMcpMux is not running; "mcpmux serve" starts it.')
    return exit.ok
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  startClean(args)
  const io = createIo(readConfig())
  const [name, ...rest] = args
  if (name === undefined) return alone([])
  if (name === '--version' || name === '-v' || name === 'version') {
    await io.out(rest.includes('--json') ? JSON.stringify({ version }) : version)
    return exit.ok
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const about = named(rest[0] ?? '')
    await io.out(about ? (await about()).command.help : overview)
    return exit.ok
  }
  if (name.startsWith('-')) {
    const command = rest.find((word) => named(word))
    if (command) throw new UsageError(`options stand behind the command: mcpmux ${command} ${name} …`)
    return alone(args)
  }
  const load = named(name)
  if (!load) {
    io.talk(unknownCommand(name))
    return exit.usage
  }
  const { command } = await load()
  if (asksForHelp(rest)) {
    await io.out(command.help)
    return exit.ok
  }
  try {
    return await command.run(rest, open)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    // The forms alone: below all the options nobody would see what was wrong.
    const [forms = ''] = command.help.split('\n\n')
    io.talk(`mcpmux ${name}: ${error.message}\n\n${forms}\n\n"mcpmux ${name} --help" says more.`)
    return exit.usage
  }
}

/** One command line from its words to its exit code. The one place where a failure becomes text: never a stack. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args)
  } catch (error) {
    const io = createIo(readConfig())
    if (error instanceof UsageError) {
      io.talk(`mcpmux: ${error.message}`)
      return exit.usage
    }
    const { lines, exitCode } = renderFailure(error)
    for (const line of lines) io.talk(line)
    return exitCode
  }
}
