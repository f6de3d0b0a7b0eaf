import type { KeyView } from '../admin/keys'
import { counts } from '../domain/client'
import { GatewayError } from '../errors'
import { systemRuntime } from '../runtime'
import { type AdminClient, must } from './client'
import { type Command, type Context, exit } from './command'
import { plural, safe, show, table, when } from './output'
import { agreed } from './presence'
import { readDuration, readUntil } from './time'
import { checkVerb, type OptionsOf, parse, UsageError, words } from './usage'

const help = `Usage: mcpmux key create CLIENT [--space S] [--set F] [--label L] [--expires T] [--yes]
       mcpmux key list [CLIENT]
       mcpmux key rotate KEY [--overlap D] [--expires T]
       mcpmux key edit KEY [--label L] [--expires T]
       mcpmux key revoke KEY [--yes]

Access keys of AI clients. "create" and "rotate" print the key alone, once: it cannot be shown again.
A new client is pinned to the Space (default: the active one) and gets the Feature Set (default: the Space's own).
KEY is an id of "key list", CLIENT/LABEL, or CLIENT where it has one key; to "revoke" CLIENT means all its keys.

  --space S       Space of the client
  --set F         Feature Set it may use
  --label L       what tells keys of one client apart, such as the machine
  --expires T     when it stops counting: 12h, 30d, a time in ISO 8601, or never
  --overlap D     how long the old key goes on counting, at most 90d; default: not at all
  --yes           change the Space and the set of a client that exists; revoke several keys at once
  --data-dir D    data folder of the gateway
  --json          print JSON`

const options = {
  space: { type: 'string' },
  set: { type: 'string' },
  label: { type: 'string' },
  expires: { type: 'string' },
  overlap: { type: 'string' },
  yes: { type: 'boolean' },
} as const
type Values = ReturnType<typeof parse<typeof options>>['values']

/** Which options go with which verb. */
const optionsOf: OptionsOf = {
  create: ['space', 'set', 'label', 'expires', 'yes'],
  list: [],
  rotate: ['overlap', 'expires'],
  edit: ['label', 'expires'],
  revoke: ['yes'],
}

const DAY_MS = 86_400_000
/** From then on the end of a key is told in advance. */
const SOON_MS = 7 * DAY_MS

const readExpiry = (text: string): number | null => (text === 'never' ? null : readUntil(text, '--expires'))

function readOverlap(text: string): number {
  const overlap = readDuration(text)
  if (overlap === null || overlap > 90 * DAY_MS)
    throw new UsageError('--overlap is a duration of at most 90d, such as 24h')
  return overlap
}

const readLabel = (text: string): string | null => (text.trim() === '' ? null : text)

/** The keys meant by a client's name, CLIENT/LABEL or a key's id, of those that are not revoked. */
async function keysOf({ api }: AdminClient, wanted: string): Promise<KeyView[]> {
  const all = await must(api.keys.get({ query: {} }))
  const live = all.filter(({ state }) => state !== 'revoked')
  const byId = live.filter(({ id }) => id === wanted)
  if (byId.length > 0) return byId
  const isNamed = (key: KeyView, name: string) => key.client.toLowerCase() === name.toLowerCase()
  const ofClient = live.filter((key) => isNamed(key, wanted))
  if (ofClient.length > 0) return ofClient
  const labelled = live.filter(
    (key) =>
      key.label !== null &&
      isNamed(key, wanted.slice(0, -key.label.length - 1)) &&
      wanted.endsWith(`/${key.label}`),
  )
  if (labelled.length > 0) return labelled
  const client = (await must(api.clients.get())).some(
    ({ name }) => name.toLowerCase() === wanted.toLowerCase(),
  )
  throw new GatewayError('key.unknown', client ? 'this client has no key in use' : wanted)
}

/** The one key that is meant; of several the one that no other took over from. */
async function oneKey(admin: AdminClient, wanted: string): Promise<KeyView> {
  const found = await keysOf(admin, wanted)
  const [key, ...more] = found.length === 1 ? found : found.filter(({ state }) => state === 'in use')
  if (!key || more.length > 0)
    throw new UsageError('this client has several keys: name one by its id or label, see "mcpmux key list"')
  return key
}

async function create({ io, admin }: Context, [name]: readonly [string], values: Values): Promise<number> {
  const made = await must(
    admin.api.keys.post({
      client: name,
      ...(values.space === undefined ? {} : { space: values.space }),
      ...(values.set === undefined ? {} : { set: values.set }),
      ...(values.label === undefined ? {} : { label: readLabel(values.label) }),
      ...(values.expires === undefined ? {} : { expiresAt: readExpiry(values.expires) }),
      ...(values.yes ? { confirm: true } : {}),
    }),
  )
  await show(io, values.json, made, () => made.key)
  if (values.json) return exit.ok
  const { id, name: called } = made.client
  const { mcpUrl } = await must(admin.api.status.get())
  const keys = await must(admin.api.keys.get({ query: { client: id } }))
  const live = keys.filter(({ state }) => state !== 'revoked').length
  io.talk(`the key of ${safe(called)} for ${mcpUrl}; it is not shown again`)
  if (live > 1) io.talk(`${safe(called)} has ${live} keys now; "mcpmux key list" shows them`)
  return exit.ok
}

/** What a key is, and before it ends also when it will. */
function stateText({ state, expiresAt }: KeyView): string {
  const left = expiresAt === null ? Infinity : expiresAt - systemRuntime.now()
  const end =
    left > SOON_MS
      ? ''
      : `ends in ${left >= 2 * DAY_MS ? plural(Math.floor(left / DAY_MS), 'day') : plural(Math.max(1, Math.round(left / 3_600_000)), 'hour')}`
  if (!counts(state)) return state
  return [state, end].filter((text) => text !== '').join(', ')
}

const row = (key: KeyView): string[] => [
  key.client,
  `…${key.hint}`,
  key.label ?? '',
  stateText(key),
  when(key.createdAt),
  key.expiresAt === null ? 'never' : when(key.expiresAt),
  when(key.lastUsedAt),
  key.id,
]

async function list({ io, admin }: Context, wanted: string | undefined, values: Values): Promise<number> {
  const all = await must(admin.api.keys.get({ query: {} }))
  const keys =
    wanted === undefined ? all : all.filter(({ client }) => client.toLowerCase() === wanted.toLowerCase())
  if (wanted !== undefined && keys.length === 0) await keysOf(admin, wanted)
  await show(
    io,
    values.json,
    keys,
    () => table(['CLIENT', 'KEY', 'LABEL', 'STATE', 'CREATED', 'EXPIRES', 'LAST USED', 'ID'], keys.map(row)),
    'no keys yet; make one with "mcpmux key create CLIENT"',
  )
  return exit.ok
}

async function revoke({ io, admin }: Context, [wanted]: readonly [string], values: Values): Promise<number> {
  const keys = await keysOf(admin, wanted)
  if (
    keys.length > 1 &&
    !(await agreed(io, values.yes, `Revoke all ${keys.length} keys of ${safe(wanted)}?`))
  )
    return exit.needsPerson
  for (const { id } of keys) await must(admin.api.keys({ id }).delete({}))
  const revoked = keys.map(({ id }) => id)
  await show(io, values.json, { revoked }, () => keys.map(({ hint }) => `revoked …${safe(hint)}`).join('\n'))
  return exit.ok
}

async function rotate({ io, admin }: Context, [wanted]: readonly [string], values: Values): Promise<number> {
  const overlap = values.overlap === undefined ? 0 : readOverlap(values.overlap)
  const { id, hint } = await oneKey(admin, wanted)
  const made = await must(
    admin.api.keys({ id }).rotate.post({
      overlap,
      ...(values.expires === undefined ? {} : { expiresAt: readExpiry(values.expires) }),
    }),
  )
  await show(io, values.json, made, () => made.key)
  if (overlap > 0) io.talk(`the old key …${hint} counts for another ${values.overlap ?? ''}`)
  return exit.ok
}

async function edit({ io, admin }: Context, [wanted]: readonly [string], values: Values): Promise<number> {
  const patch = {
    ...(values.label === undefined ? {} : { label: readLabel(values.label) }),
    ...(values.expires === undefined ? {} : { expiresAt: readExpiry(values.expires) }),
  }
  if (Object.keys(patch).length === 0) throw new UsageError('say what to change: --label or --expires')
  const { id } = await oneKey(admin, wanted)
  const key = await must(admin.api.keys({ id }).patch(patch))
  await show(io, values.json, key, () => `…${safe(key.hint)}: ${stateText(key)}`)
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb = '', ...rest] = positionals
    checkVerb('key', verb, optionsOf, values)
    const context = () => open(values['data-dir'])
    switch (verb) {
      case 'create':
        return create(context(), words(rest, 'CLIENT'), values)
      case 'list':
        return list(context(), rest.length > 0 ? words(rest, 'CLIENT')[0] : undefined, values)
      case 'revoke':
        return revoke(context(), words(rest, 'KEY'), values)
      case 'rotate':
        return rotate(context(), words(rest, 'KEY'), values)
      default:
        return edit(context(), words(rest, 'KEY'), values)
    }
  },
}
