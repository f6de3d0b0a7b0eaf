import type { ClientView } from '../admin/client-view'
import { counts, keyState } from '../domain/client'
import { systemRuntime } from '../runtime'
import { must } from './client'
import { type Command, type Context, exit } from './command'
import { findClient, findSpace } from './find'
import { plural, safe, show, table, when } from './output'
import { agreed } from './presence'
import { checkVerb, type OptionsOf, parse, UsageError, words } from './usage'

const help = `Usage: mcpmux client list
       mcpmux client show CLIENT
       mcpmux client pin CLIENT --space S | --follow | --ask
       mcpmux client rename CLIENT NEW-NAME
       mcpmux client remove CLIENT [--yes]

AI applications that connect to McpMux. "mcpmux key create CLIENT" makes one; "mcpmux grant" says what it may use.

  --space S       it works in this Space, whichever is active
  --follow        it works in the Space that is active
  --ask           you say in which Space it works, each time it comes
  --yes           remove it without asking
  --data-dir D    data folder of the gateway
  --json          print JSON`

const options = {
  space: { type: 'string' },
  follow: { type: 'boolean' },
  ask: { type: 'boolean' },
  yes: { type: 'boolean' },
} as const
const optionsOf: OptionsOf = {
  list: [],
  show: [],
  pin: ['space', 'follow', 'ask'],
  rename: [],
  remove: ['yes'],
}
type Values = ReturnType<typeof parse<typeof options>>['values']

const spaceText = ({ space, spaceId, asks }: ClientView): string =>
  asks ? `${space} (asked)`.trim() : spaceId === null ? `${space} (follows)` : space

const liveKeys = ({ keys }: ClientView): number =>
  keys.filter((key) => counts(keyState(key, systemRuntime.now()))).length

const liveSignIns = ({ signIns }: ClientView): number =>
  signIns.filter(({ revokedAt }) => revokedAt === null).length

async function list({ io, admin }: Context, json: boolean | undefined): Promise<number> {
  const clients = await must(admin.api.clients.get())
  const rows = clients.map((client) => [
    client.name,
    spaceText(client),
    client.sets.join(', '),
    String(liveKeys(client)),
    String(liveSignIns(client)),
    String(client.sessions.length),
    when(client.lastSeenAt),
    client.remark ?? '',
  ])
  const header = ['CLIENT', 'SPACE', 'SETS', 'KEYS', 'SIGN-INS', 'SESSIONS', 'LAST SEEN', 'REMARK']
  const empty = 'no clients yet; make one with "mcpmux key create CLIENT"'
  await show(io, json, clients, () => table(header, rows), empty)
  return exit.ok
}

/** What a session says of itself, as far as it can be read. */
function selfSaid(clientInfo: string): string {
  try {
    const info: unknown = JSON.parse(clientInfo)
    if (typeof info !== 'object' || info === null) return '?'
    const { name, version }: { name?: unknown; version?: unknown } = info
    return [name, version]
      .filter((it) => typeof it === 'string')
      .join(' ')
      .slice(0, 80)
  } catch {
    return '?'
  }
}

async function describe({ admin }: Context, client: ClientView): Promise<string> {
  const spaces = new Map((await must(admin.api.spaces.get())).map(({ id, name }) => [id, name]))
  const sets = await Promise.all(
    client.grants.map(async ({ spaceId, setId }) => {
      const set = await must(admin.api.sets({ id: setId }).get())
      return `${spaces.get(spaceId) ?? ''}: ${set.name}`
    }),
  )
  const lines = [
    `client    ${safe(client.name)}`,
    `id        ${client.id}`,
    `Space     ${safe(spaceText(client))}`,
    ...(sets.length > 0 ? sets.map((set) => `may use   ${safe(set)}`) : ['may use   nothing by a grant']),
    ...(client.everywhere ? ['          the default set of each Space'] : []),
    `made      ${when(client.createdAt)}`,
    `last seen ${when(client.lastSeenAt)}`,
    ...(client.remark === null ? [] : [`remark    ${safe(client.remark)}`]),
  ]
  const keys = client.keys.map((key) => [
    `…${key.hint}`,
    key.label ?? '',
    keyState(key, systemRuntime.now()),
    key.expiresAt === null ? 'never' : when(key.expiresAt),
    when(key.lastUsedAt),
  ])
  const signIns = client.signIns.map(({ id, createdAt, lastUsedAt, revokedAt }) => [
    id,
    revokedAt === null ? 'in use' : 'revoked',
    when(createdAt),
    when(lastUsedAt),
  ])
  const sessions = client.sessions.map(({ clientInfo, protocolVersion, lastSeenAt }) => [
    selfSaid(clientInfo),
    protocolVersion,
    when(lastSeenAt),
  ])
  if (keys.length > 0) lines.push('', table(['KEY', 'LABEL', 'STATE', 'EXPIRES', 'LAST USED'], keys))
  if (signIns.length > 0) lines.push('', table(['SIGN-IN', 'STATE', 'CREATED', 'LAST USED'], signIns))
  if (sessions.length > 0)
    lines.push('', table(['SESSION, AS IT CALLS ITSELF', 'PROTOCOL', 'LAST SEEN'], sessions))
  return lines.join('\n')
}

async function pin(context: Context, [wanted]: readonly [string], values: Values): Promise<number> {
  const { io, admin } = context
  const { space, follow = false, ask: asks = false } = values
  if ([space !== undefined, follow, asks].filter(Boolean).length !== 1)
    throw new UsageError('say --space S, --follow or --ask')
  const { id } = await findClient(admin, wanted)
  const spaceId = space === undefined ? null : (await findSpace(admin, space)).id
  const client = await must(admin.api.clients({ id }).patch({ spaceId, asks }))
  await show(io, values.json, client, () => `${safe(client.name)}: ${safe(spaceText(client))}`)
  if (!client.seesSomething) io.talk(`${client.name} ${client.remark ?? ''}`)
  return exit.ok
}

async function rename({ io, admin }: Context, [wanted, name]: readonly [string, string], json?: boolean) {
  const { id } = await findClient(admin, wanted)
  const client = await must(admin.api.clients({ id }).patch({ name }))
  await show(io, json, client, () => `renamed to ${safe(client.name)}`)
  return exit.ok
}

async function remove({ io, admin }: Context, [wanted]: readonly [string], values: Values): Promise<number> {
  const client = await findClient(admin, wanted)
  const has = [
    plural(liveKeys(client), 'key'),
    plural(liveSignIns(client), 'sign-in'),
    plural(client.sessions.length, 'open session'),
    plural(client.grants.length, 'grant'),
  ]
  const question = `Remove ${safe(client.name)} with ${has.join(', ')}?`
  if (!(await agreed(io, values.yes, question))) return exit.needsPerson
  const removed = await must(admin.api.clients({ id: client.id }).delete({}))
  await show(io, values.json, removed, () => `removed ${safe(client.name)}`)
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb = '', ...rest] = positionals
    checkVerb('client', verb, optionsOf, values)
    const context = () => open(values['data-dir'])
    switch (verb) {
      case 'list':
        words(rest)
        return list(context(), values.json)
      case 'show': {
        const [wanted] = words(rest, 'CLIENT')
        const opened = context()
        const client = await findClient(opened.admin, wanted)
        const text = values.json ? '' : await describe(opened, client)
        await show(opened.io, values.json, client, () => text)
        return exit.ok
      }
      case 'pin':
        return pin(context(), words(rest, 'CLIENT'), values)
      case 'rename':
        return rename(context(), words(rest, 'CLIENT', 'NEW-NAME'), values.json)
      default:
        return remove(context(), words(rest, 'CLIENT'), values)
    }
  },
}
