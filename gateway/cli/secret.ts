import type { SpaceSecretView } from '../admin/space-secrets'
import { isSecretName } from '../domain/references'
import { GatewayError } from '../errors'
import { must } from './client'
import { type Command, type Context, exit } from './command'
import { connectUnread, outcome } from './connect'
import { findSpace } from './find'
import { plural, safe, show, table, when } from './output'
import { agreed } from './presence'
import { readSecret } from './typed-value'
import { checkVerb, type OptionsOf, parse, UsageError, words } from './usage'

const help = `Usage: mcpmux secret list [--space S]
       mcpmux secret set NAME [--space S] [--from-env VARIABLE]
       mcpmux secret remove NAME [--space S] [--yes]

Secrets of a Space that several of its servers use: they refer to one as \${secret:NAME}. No other Space has it.

  list            names, when they were set, and who uses them; never a value
  set             keeps a value, which is asked for, or read from stdin when that is no terminal
  remove          forgets it; asks where servers use it, because they cannot start without

  --space S            default: the active one
  --from-env VARIABLE  take the value from your environment
  --yes                do not ask whether
  --data-dir D         data folder of the gateway
  --json               print JSON`

const options = {
  space: { type: 'string' },
  'from-env': { type: 'string' },
  yes: { type: 'boolean' },
} as const
type Values = ReturnType<typeof parse<typeof options>>['values']

const optionsOf: OptionsOf = { list: ['space'], set: ['space', 'from-env'], remove: ['space', 'yes'] }

const users = ({ usedBy }: SpaceSecretView): string =>
  usedBy.length === 0 ? 'nobody' : usedBy.map(({ name }) => name).join(', ')

function nameIn(verb: string, rest: readonly string[]): string {
  // What follows the name would be the value: not repeated.
  if (verb === 'set' && rest.length > 1)
    throw new GatewayError('input.secret_in_argv', 'leave the value out: it is asked for, or read from stdin')
  const [name] = words(rest, 'NAME')
  // Not repeated: it may be the value.
  if (!isSecretName(name))
    throw new UsageError(
      'NAME is up to 64 letters, digits, dots, dashes and underscores; the value is asked for',
    )
  return name
}

async function list({ io, admin }: Context, values: Values): Promise<number> {
  const space = await findSpace(admin, values.space)
  const secrets = await must(admin.api.secrets.get({ query: { space: space.id } }))
  const rows = secrets.map((one) => [one.name, when(one.setAt), users(one)])
  await show(
    io,
    values.json,
    secrets,
    () => table(['NAME', 'SET', 'USED BY'], rows),
    `no secrets of their own in Space ${space.name}; those of single servers: "mcpmux credentials"`,
  )
  return exit.ok
}

async function set({ io, admin }: Context, name: string, values: Values): Promise<number> {
  const space = await findSpace(admin, values.space)
  const value = await readSecret(io, name, values['from-env'])
  const query = { space: space.id }
  const before = await must(admin.api.servers.get({ query }))
  const view = await must(admin.api.secrets({ id: name }).put({ value }, { query }))
  await show(
    io,
    values.json,
    view,
    () => `${name} is set in Space ${safe(space.name)}; used by ${safe(users(view))}`,
  )
  for (const { id } of view.usedBy) {
    const now = await must(admin.api.servers({ id }).get())
    const connected = await connectUnread(
      admin,
      before.find((one) => one.id === id),
      now,
    )
    if (connected) io.talk(outcome(connected).line)
  }
  return exit.ok
}

async function remove({ io, admin }: Context, name: string, values: Values): Promise<number> {
  const space = await findSpace(admin, values.space)
  const secrets = await must(admin.api.secrets.get({ query: { space: space.id } }))
  const using = secrets.find((one) => one.name === name)?.usedBy ?? []
  const without = using.map((one) => safe(one.name)).join(', ')
  const question = `${plural(using.length, 'server')} cannot start without ${name}: ${without}. Remove it?`
  if (using.length > 0 && !(await agreed(io, values.yes, question))) return exit.needsPerson
  const query = { space: space.id, ...(using.length > 0 ? { used: 'true' as const } : {}) }
  const gone = await must(admin.api.secrets({ id: name }).delete({}, { query }))
  await show(io, values.json, gone, () => `removed ${name} from Space ${safe(space.name)}`)
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb = '', ...rest] = positionals
    checkVerb('secret', verb, optionsOf, values)
    if (verb === 'list') {
      words(rest)
      return list(open(values['data-dir']), values)
    }
    const name = nameIn(verb, rest)
    const context = open(values['data-dir'])
    return verb === 'set' ? set(context, name, values) : remove(context, name, values)
  },
}
