import type { ClientView } from '../admin/client-view'
import type { SignIn } from '../domain/sign-in'
import { GatewayError } from '../errors'
import { must } from './client'
import { type Command, type Context, exit } from './command'
import { safe, show, table, when } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux signin list
       mcpmux signin revoke CLIENT | SIGN-IN-ID

Sign-ins of clients that use no access key. "revoke" ends one, or all of a client, with their sessions, at once.
A client that asks again waits for an approval again.

  --data-dir D    data folder of the gateway
  --json          print JSON`

const row = (client: ClientView, { id, createdAt, lastUsedAt, revokedAt }: SignIn): string[] => [
  client.name,
  revokedAt === null ? 'in use' : 'revoked',
  when(createdAt),
  when(lastUsedAt),
  id,
]

async function list({ io, admin }: Context, json: boolean | undefined): Promise<number> {
  const clients = await must(admin.api.clients.get())
  const rows = clients.flatMap((client) => client.signIns.map((signIn) => row(client, signIn)))
  await show(
    io,
    json,
    clients.flatMap(({ signIns }) => signIns),
    () => table(['CLIENT', 'STATE', 'SINCE', 'LAST USED', 'ID'], rows),
    'no client signed in yet',
  )
  return exit.ok
}

async function revoke({ io, admin }: Context, wanted: string, json: boolean | undefined): Promise<number> {
  const clients = await must(admin.api.clients.get())
  const client = clients.find(({ id, name }) => id === wanted || name === wanted)
  const found = client
    ? client.signIns
    : clients.flatMap(({ signIns }) => signIns).filter(({ id }) => id === wanted)
  const live = found.filter(({ revokedAt }) => revokedAt === null)
  if (live.length === 0)
    throw new GatewayError('signin.unknown', client ? 'this client is not signed in' : wanted)
  for (const { id } of live) await must(admin.api['sign-ins']({ id }).delete({}))
  const revoked = live.map(({ id }) => id)
  await show(io, json, { revoked }, () => revoked.map((id) => `revoked ${safe(id)}`).join('\n'))
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, {})
    const [verb, ...rest] = positionals
    switch (verb) {
      case 'list':
        words(rest)
        return list(open(values['data-dir']), values.json)
      case 'revoke': {
        const [wanted] = words(rest, 'CLIENT or SIGN-IN-ID')
        return revoke(open(values['data-dir']), wanted, values.json)
      }
      default:
        throw new UsageError('say list or revoke')
    }
  },
}
