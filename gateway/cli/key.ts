import type { ClientView } from '../admin/clients'
import type { AccessKey } from '../domain/client'
import { GatewayError } from '../errors'
import { systemRuntime } from '../runtime'
import { type AdminClient, must } from './client'
import { type Command, type Context, exit } from './command'
import { safe, show, table, when } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux key create CLIENT [--space S] [--set F] [--yes]
       mcpmux key list
       mcpmux key revoke CLIENT | KEY-ID
       mcpmux key rotate CLIENT | KEY-ID

Access keys of AI clients. "create" and "rotate" print the key alone, once: it cannot be shown again.
A new client is pinned to the Space (default: the active one) and gets the Feature Set (default: the Space's own).

  --space S       Space of the client
  --set F         Feature Set it may use
  --yes           change the Space and the set of a client that exists
  --data-dir D    data folder of the gateway
  --json          print JSON`

const options = { space: { type: 'string' }, set: { type: 'string' }, yes: { type: 'boolean' } } as const
type Values = ReturnType<typeof parse<typeof options>>['values']

const isLive = (key: AccessKey): boolean => key.revokedAt === null

/** The live keys meant by a client's name or a key's id. */
async function keysOf({ api }: AdminClient, wanted: string): Promise<AccessKey[]> {
  const clients = await must(api.clients.get())
  const client = clients.find(({ name, id }) => name === wanted || id === wanted)
  if (client) {
    const live = client.keys.filter(isLive)
    if (live.length === 0) throw new GatewayError('key.unknown', 'this client has no key in use')
    return live
  }
  const key = clients.flatMap(({ keys }) => keys).find(({ id }) => id === wanted)
  if (!key || !isLive(key)) throw new GatewayError('key.unknown', wanted)
  return [key]
}

async function create({ io, admin }: Context, [name]: readonly [string], values: Values): Promise<number> {
  const made = await must(
    admin.api.keys.post({
      client: name,
      ...(values.space === undefined ? {} : { space: values.space }),
      ...(values.set === undefined ? {} : { set: values.set }),
      ...(values.yes ? { confirm: true } : {}),
    }),
  )
  await show(io, values.json, made, () => made.key)
  return exit.ok
}

function stateOf({ revokedAt, expiresAt }: AccessKey): string {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= systemRuntime.now() ? 'expired' : 'in use'
}

function rows(clients: readonly ClientView[]): string[][] {
  return clients.flatMap((client) =>
    client.keys.map((key) => [
      client.name,
      `…${key.hint}`,
      stateOf(key),
      when(key.createdAt),
      when(key.lastUsedAt),
      key.id,
    ]),
  )
}

async function list({ io, admin }: Context, values: Values): Promise<number> {
  const clients = await must(admin.api.clients.get())
  await show(
    io,
    values.json,
    clients,
    () => table(['CLIENT', 'KEY', 'STATE', 'CREATED', 'LAST USED', 'ID'], rows(clients)),
    'no keys yet; make one with "mcpmux key create CLIENT"',
  )
  return exit.ok
}

async function revoke({ io, admin }: Context, [wanted]: readonly [string], values: Values): Promise<number> {
  const keys = await keysOf(admin, wanted)
  for (const { id } of keys) await must(admin.api.keys({ id }).delete({}))
  const revoked = keys.map(({ id }) => id)
  await show(io, values.json, { revoked }, () => keys.map(({ hint }) => `revoked …${safe(hint)}`).join('\n'))
  return exit.ok
}

async function rotate({ io, admin }: Context, [wanted]: readonly [string], values: Values): Promise<number> {
  const [key, ...more] = await keysOf(admin, wanted)
  if (!key || more.length > 0)
    throw new UsageError('this client has several keys: name one by its id, see "mcpmux key list"')
  const made = await must(admin.api.keys({ id: key.id }).rotate.post({}))
  await show(io, values.json, made, () => made.key)
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb, ...rest] = positionals
    const context = () => open(values['data-dir'])
    if (verb !== 'create' && (values.space ?? values.set ?? values.yes) !== undefined)
      throw new UsageError('--space, --set and --yes are for "key create"')
    switch (verb) {
      case 'create':
        return create(context(), words(rest, 'CLIENT'), values)
      case 'list':
        words(rest)
        return list(context(), values)
      case 'revoke':
        return revoke(context(), words(rest, 'CLIENT or KEY-ID'), values)
      case 'rotate':
        return rotate(context(), words(rest, 'CLIENT or KEY-ID'), values)
      default:
        throw new UsageError('say create, list, revoke or rotate')
    }
  },
}
