import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import type { DefinitionBody, InputBody } from '../admin/schemas'
import type { ServerView } from '../admin/server-view'
import { eraChoices } from '../domain/era'
import { isolations } from '../domain/isolation'
import { visibleWord } from '../domain/visible-text'
import { type AdminClient, must } from './client'
import { readClientId } from './client-id'
import { type Command, type Context, exit } from './command'
import { connectAdded, connectOnce, outcome, withheldNotices } from './connect'
import { findSpace } from './find'
import type { Io } from './io'
import { declareInputs, obtainInputs, readInputs } from './given-inputs'
import { envKind, headerKind, readNamedValues } from './named-values'
import { safe, show } from './output'
import { review } from './review'
import { signIn } from './sign-in'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux add NAME [options] -- COMMAND [ARGS…]
       mcpmux add NAME [options] --url URL [--transport http|sse]

Adds an MCP server, asks for your approval and connects it once.

  --space S         the Space it goes to; default: the active one
  --alias A         prefix of its tool names, a-z 0-9 -; default: made from NAME
  --no-prefix       its tools keep their own names
  --env K=V         environment variable
  --env K           secret: taken from your environment, else asked for
  --header "K: V"   HTTP header
  --header K        secret header: taken from variable K (or K_WITH_UNDERSCORES), else asked for
  --basic USER      Basic authentication: the password is taken from MCPMUX_PASSWORD, else asked for
  --input ID[?][:TYPE][=VALUE]
                    a value that texts and arguments refer to as \${input:ID}; TYPE is text (default), secret, number,
                    boolean, url, file, folder, or choices a|b|c; "?" for one that may be left out, "..." behind the type
                    for several (an argument each)
  --client-id C     for a sign-in at the server's authorization server: an application you registered there yourself
  --client-secret   with its secret: taken from CLIENT_SECRET of your environment, else asked for
  --url URL         address of a remote server
  --transport T     http (Streamable HTTP, default) or sse
  --era E           how it is spoken to: auto (default), legacy (up to 2025-11-25) or modern (2026-07-28)
  --isolation I     who shares its process: shared (default), or one for each client or session
  --yes             approve what will run without being asked
  --data-dir D      data folder of the gateway
  --json            print the server as JSON`

const options = {
  space: { type: 'string' },
  alias: { type: 'string' },
  'no-prefix': { type: 'boolean' },
  env: { type: 'string', multiple: true },
  header: { type: 'string', multiple: true },
  basic: { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret': { type: 'boolean' },
  input: { type: 'string', multiple: true },
  url: { type: 'string' },
  transport: { type: 'string' },
  era: { type: 'string' },
  isolation: { type: 'string' },
  yes: { type: 'boolean' },
  source: { type: 'string' },
} as const

interface Given {
  env: readonly string[]
  header: readonly string[]
  basic: string | undefined
  input: readonly string[]
  url: string | undefined
  transport: string | undefined
}

/** Splits at the first `--`: what follows is the server's own command line and is never looked into. */
function splitCommand(args: readonly string[]): {
  own: readonly string[]
  command: readonly string[] | null
} {
  const at = args.indexOf('--')
  const [name = '-', first = '-'] = args
  // Else options of the server would be taken for ours, and refused as if they were wrong.
  if (at < 0 && !name.startsWith('-') && !first.startsWith('-'))
    throw new UsageError(
      `write ${/^https?:/.test(first) ? '--url before the address' : '-- before the command'} of the server`,
    )
  return at < 0 ? { own: args, command: null } : { own: args.slice(0, at), command: args.slice(at + 1) }
}

/** Letters that are no options of ours are the server's: its command is meant to stand behind `--`. */
function parseOwn(own: readonly string[], command: readonly string[] | null) {
  try {
    return parse(own, options)
  } catch (error) {
    if (command !== null || !(error instanceof UsageError) || !/^Unknown option '-\w/.test(error.message))
      throw error
    throw new UsageError(`${error.message}; the command of the server stands behind --`)
  }
}

/** What is to run or be contacted, and its inputs as far as the command line has them. */
function readDefinition(
  { env, header, basic, input, url, transport }: Given,
  argv: readonly string[] | null,
): { definition: DefinitionBody; inputs: InputBody[] } {
  const [command, ...args] = argv ?? []
  if ((url === undefined) === (command === undefined))
    throw new UsageError('give either a command after --, or --url')
  const inputs = readInputs(input)
  if (url !== undefined) {
    const type = transport ?? 'http'
    if (type !== 'http' && type !== 'sse') throw new UsageError('--transport is http or sse')
    if (env.length > 0) throw new UsageError('--env is for commands; a URL takes --header')
    const { texts } = readNamedValues(header, headerKind)
    if (basic === undefined) {
      const definition = { type, url, headers: texts } as const
      return { definition, inputs: declareInputs(definition, inputs) }
    }
    if (Object.keys(texts).some((name) => name.toLowerCase() === 'authorization'))
      throw new UsageError('--basic and a header Authorization exclude each other')
    const headers = { ...texts, Authorization: '${basic:user:password}' }
    const user = { id: 'user', secret: false, value: basic }
    const definition = { type, url, headers } as const
    return { definition, inputs: declareInputs(definition, [user, ...inputs]) }
  }
  if (header.length > 0 || transport !== undefined || basic !== undefined)
    throw new UsageError('--header, --basic and --transport are for --url; a command takes --env')
  const { texts } = readNamedValues(env, envKind)
  // A relative path is meant from where the person stands, and the gateway stands elsewhere.
  const place = command?.startsWith('./') || command?.startsWith('../') ? resolve(command) : (command ?? '')
  const definition = { type: 'stdio', command: place, args, env: texts, cwd: null } as const
  return { definition, inputs: declareInputs(definition, inputs) }
}

/** Other servers of the Space at the same address, which share nothing with a new one. */
async function sameAddress(
  admin: AdminClient,
  spaceId: string,
  definition: DefinitionBody,
): Promise<string[]> {
  if (definition.type === 'stdio' || !URL.canParse(definition.url)) return []
  const { href } = new URL(definition.url)
  const servers = await must(admin.api.servers.get({ query: { space: spaceId } }))
  return servers
    .filter((one) => one.definition.type !== 'stdio' && URL.canParse(one.definition.url))
    .filter((one) => one.definition.type !== 'stdio' && new URL(one.definition.url).href === href)
    .map(({ name }) => name)
}

/** Words that name a file from here: a server runs in a folder of its own, where they name nothing. */
const relativeFiles = (words: readonly string[]): string[] =>
  words.filter((word) => !word.startsWith('-') && !isAbsolute(word) && existsSync(word))

async function approved(io: Io, yes: boolean | undefined): Promise<boolean> {
  if (yes) return true
  if (io.canAsk) {
    const agrees = await io.confirm('Add it?')
    if (!agrees) io.talk('nothing was added')
    return agrees
  }
  io.talk('mcpmux: nobody to ask here; look at the above and repeat with --yes (upstream.needs_consent)')
  return false
}

/** Offers to sign in at once where the server wants that; gives the server as it is then. */
async function signedIn(context: Context, server: ServerView): Promise<ServerView> {
  const { io, admin } = context
  if (server.signInNeed === null || !io.canAsk) return server
  if (!(await io.confirm(`${safe(server.name)} wants you to sign in. Do that now?`))) return server
  const { phase } = await signIn(context, server, { open: true, paste: false })
  return phase === 'done' ? connectOnce(admin, server.id) : server
}

export const command: Command = {
  help,
  async run(args, open) {
    const { own, command: argv } = splitCommand(args)
    const { values, positionals } = parseOwn(own, argv)
    const [name] = words(positionals, 'NAME')
    if (values.alias !== undefined && values['no-prefix'])
      throw new UsageError('--alias and --no-prefix exclude each other')
    if (values.alias !== undefined && !/^[a-z0-9-]{1,20}$/.test(values.alias))
      throw new UsageError('--alias is 1 to 20 of a-z, 0-9 and -; --no-prefix goes without')
    const source = values.source ?? 'cli'
    if (source !== 'cli' && source !== 'demo') throw new UsageError('--source is cli or demo')

    const era = eraChoices.find((choice) => choice === (values.era ?? 'auto'))
    if (!era) throw new UsageError('--era is auto, legacy or modern')
    const isolation = isolations.find((one) => one === (values.isolation ?? 'shared'))
    if (!isolation) throw new UsageError('--isolation is shared, client or session')

    const given = {
      env: values.env ?? [],
      header: values.header ?? [],
      basic: values.basic,
      input: values.input ?? [],
      url: values.url,
      transport: values.transport,
    }
    const { definition, inputs: declared } = readDefinition(given, argv)
    if (definition.type === 'stdio' && values['client-id'] !== undefined)
      throw new UsageError('--client-id is for --url')

    const context = open(values['data-dir'])
    const { io, admin } = context
    const space = await findSpace(admin, values.space)
    const alias = values['no-prefix'] ? '' : values.alias
    const prefix = alias === undefined ? {} : { alias }
    const draft = { spaceId: space.id, name, ...prefix, definition, era, isolation }
    // The daemon is asked first: nobody types a secret or approves a command for nothing.
    await must(admin.api.servers.check.post({ ...draft, source, inputs: declared }))
    const inputs = await obtainInputs(declared, definition, io)
    const client = await readClientId(io, values)
    for (const line of review(definition, source, inputs)) io.talk(line)
    for (const other of await sameAddress(admin, space.id, definition))
      io.talk(
        `  notice   ${visibleWord(other)} has the same address; this one gets credentials and names of its own`,
      )
    for (const word of relativeFiles(argv?.slice(1) ?? []))
      io.talk(`  notice   ${visibleWord(word)}: relative to here, but the server runs in a folder of its own`)
    if (!(await approved(io, values.yes))) return exit.needsPerson

    const server = await must(
      admin.api.servers.post({ ...draft, source, inputs, consent: { givenBy: source } }),
    )
    if (client) await must(admin.api.servers({ id: server.id }).registration.put(client))
    const connected = await signedIn(context, await connectAdded(context, server))
    const { line, code } = outcome(connected, { added: true })
    if (code === exit.ok || values.json) await show(io, values.json, connected, () => line)
    if (code !== exit.ok) {
      io.talk(line)
      return code
    }
    for (const notice of await withheldNotices(admin, server.id)) io.talk(notice)
    return code
  },
}
