import type { CredentialsView } from '../admin/credentials'
import type { ServerView } from '../admin/server-view'
import { signInReasons } from '../domain/authorization'
import { GatewayError } from '../errors'
import { must } from './client'
import { readClientId } from './client-id'
import { type Command, type Context, exit } from './command'
import { settle } from './connect'
import { findServer, findSpace } from './find'
import { approve } from './give-consent'
import { safe, show, table, when } from './output'
import { askForInput, givenValue, readSecret } from './typed-value'
import { checkVerb, type OptionsOf, parse, UsageError, words } from './usage'

const help = `Usage: mcpmux credentials [SERVER] [--space S]
       mcpmux credentials set SERVER ID [VALUE…] [--space S] [--from-env VARIABLE] [--yes]
       mcpmux credentials remove SERVER ID [--space S] [--yes]
       mcpmux credentials client SERVER [--client-id C [--client-secret] [--issuer I]] [--space S]

What servers are given: their values and secrets, what they take from the environment of McpMux and from secrets of
their Space, your sign-ins at them, and the client ids for those. No secret is ever shown.

  set       gives a value. A secret is asked for, or read from stdin when that is no terminal; it is never an argument.
            Another value is asked for when it is left out. What would run then is shown, and asked for unless approved.
  remove    takes a value away
  client    sign-ins go by an application that you registered at the authorization server yourself; without --client-id
            it is forgotten. --client-secret takes its secret from CLIENT_SECRET of your environment, else asks

  --space S            default: the active one
  --from-env VARIABLE  take the secret from your environment
  --issuer I           the authorization server the client id is for; default: the one the server names
  --yes                approve what would run then without being asked
  --data-dir D         data folder of the gateway
  --json               print JSON`

const options = {
  space: { type: 'string' },
  'from-env': { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret': { type: 'boolean' },
  issuer: { type: 'string' },
  yes: { type: 'boolean' },
} as const
type Values = ReturnType<typeof parse<typeof options>>['values']

const optionsOf: OptionsOf = {
  set: ['space', 'from-env', 'yes'],
  remove: ['space', 'yes'],
  client: ['space', 'client-id', 'client-secret', 'issuer'],
}

function inputState(input: CredentialsView['inputs'][number]): string {
  if (input.isSet) return input.setAt === null ? 'set' : `set ${when(input.setAt)}`
  if (input.default !== undefined) return 'not set: its default'
  return input.required === false ? 'not set: left out' : 'not set'
}

/** One row for each thing a server is given. */
const rowsOf = (view: CredentialsView): string[][] => [
  ...view.inputs.map((input) => [
    view.server,
    input.id,
    input.secret ? 'secret' : (input.type ?? 'text'),
    inputState(input),
  ]),
  ...view.variables.map(({ name, isSet }) => [
    view.server,
    `\${env:${name}}`,
    'environment',
    isSet ? 'there' : 'not there',
  ]),
  ...view.secrets.map(({ name, setAt }) => [
    view.server,
    `\${secret:${name}}`,
    'of the Space',
    setAt === null ? 'not set' : `set ${when(setAt)}`,
  ]),
  ...(view.signIn ? [[view.server, view.signIn.issuer, 'sign-in', signInState(view.signIn)]] : []),
  ...view.clientIds.map(({ clientId, issuer, kind, hasSecret, setAt }) => [
    view.server,
    clientId,
    hasSecret ? 'client id, secret' : 'client id',
    `${kind} ${when(setAt)}, ${issuer === null ? 'for the first issuer' : `for ${issuer}`}`,
  ]),
]

/** Whether a sign-in still does, and how long what it gave lasts. */
function signInState({ needs, issuedAt, bound }: NonNullable<CredentialsView['signIn']>): string {
  if (needs !== null) return `sign in again: ${signInReasons[needs]}`
  return bound ? `tokens of ${when(issuedAt)}` : 'not sent: the address of the server is another one now'
}

async function list({ io, admin }: Context, wanted: string | undefined, values: Values): Promise<number> {
  const views =
    wanted === undefined
      ? await must(admin.api.credentials.get({ query: { space: (await findSpace(admin, values.space)).id } }))
      : [await must(admin.api.credentials({ id: (await findServer(admin, wanted, values.space)).id }).get())]
  await show(
    io,
    values.json,
    wanted === undefined ? views : views[0],
    () => table(['SERVER', 'NAME', 'KIND', 'STATE'], views.flatMap(rowsOf)),
    wanted === undefined ? 'no server of this Space is given anything' : 'it is given nothing',
  )
  return exit.ok
}

/** Says what came of it; where what would run is not approved, shows it and asks. */
async function settled(
  context: Context,
  before: ServerView,
  server: ServerView,
  values: Values,
): Promise<number> {
  const { io, admin } = context
  // Also where it waited before: who repeats the command with --yes approves it.
  if (!server.consent) {
    const view = await must(admin.api.consents({ id: server.id }).get())
    if (!(await approve(io, admin, view, values.yes))) return exit.needsPerson
  }
  return settle(context, before, await must(admin.api.servers({ id: server.id }).get()), values.json)
}

async function change(
  context: Context,
  verb: string,
  rest: readonly string[],
  values: Values,
): Promise<number> {
  const [wanted, id] = words(rest.slice(0, 2), 'SERVER', 'ID')
  const typed = rest.slice(2)
  const { io, admin } = context
  const server = await findServer(admin, wanted, values.space)
  const input = server.inputs.find((one) => one.id === id)
  if (!input)
    throw new GatewayError(
      'input.invalid',
      `${server.name} has no value of this name; see "mcpmux credentials ${server.called.words}"`,
    )
  const put = (value: string | null) =>
    must(admin.api.servers({ id: server.id }).values.put({ values: [{ id: input.id, value }] }))
  if (verb === 'remove') {
    words(rest, 'SERVER', 'ID')
    return settled(context, server, await put(null), values)
  }
  if (input.secret && typed.length > 0)
    throw new GatewayError('input.secret_in_argv', 'leave the value out: it is asked for, or read from stdin')
  if (!input.secret && values['from-env'] !== undefined)
    throw new UsageError('--from-env is for secrets; write the value as it is')
  if (input.secret)
    return settled(context, server, await put(await readSecret(io, input.id, values['from-env'])), values)
  if (typed.length === 0 && !io.canAsk) throw new UsageError('VALUE is missing')
  const value = typed.length > 0 ? givenValue(input, typed) : await askForInput(input, io)
  return settled(context, server, await put(value), values)
}

/** The client id sign-ins of a server go by; none makes it forgotten. */
async function client({ io, admin }: Context, rest: readonly string[], values: Values): Promise<number> {
  const [wanted] = words(rest, 'SERVER')
  const { issuer } = values
  if (issuer !== undefined && values['client-id'] === undefined)
    throw new UsageError('--issuer goes with --client-id')
  const { id, name, called } = await findServer(admin, wanted, values.space)
  const brought = await readClientId(io, values)
  const route = admin.api.servers({ id }).registration
  const now = await must(
    brought ? route.put({ ...brought, ...(issuer === undefined ? {} : { issuer }) }) : route.delete({}),
  )
  await show(io, values.json, now, () =>
    brought
      ? `${safe(name)}: client id is set; "mcpmux login ${called.words}" uses it`
      : `${safe(name)}: no client id of yours any more`,
  )
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [first, ...rest] = positionals
    const context = open(values['data-dir'])
    if (first !== undefined && Object.hasOwn(optionsOf, first)) {
      checkVerb('credentials', first, optionsOf, values)
      return first === 'client' ? client(context, rest, values) : change(context, first, rest, values)
    }
    const stray = Object.keys(values).find((name) => !['space', 'json', 'data-dir', 'help'].includes(name))
    if (stray !== undefined) throw new UsageError(`--${stray} is for "credentials set", "remove" or "client"`)
    if (first !== undefined) words(positionals, 'SERVER')
    return list(context, first, values)
  },
}
