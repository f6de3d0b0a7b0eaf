import type { SetView } from '../admin/sets'
import { GatewayError } from '../errors'
import { type AdminClient, must } from './client'
import { type Command, type Context, exit } from './command'
import { effectiveText, showEffective } from './effective'
import { findSpace } from './find'
import { plural, safe, show, table } from './output'
import { checkVerb, type OptionsOf, parse, UsageError, words } from './usage'

const help = `Usage: mcpmux set list [--space S]
       mcpmux set show NAME [--effective [--client C]] [--space S]
       mcpmux set show --effective --client C [--space S]
       mcpmux set create NAME [--include RULE]… [--exclude RULE]… [--space S]
       mcpmux set edit NAME [--include RULE]… [--exclude RULE]… [--remove N]… [--point N=SERVER]…
                            [--rename NEW-NAME] [--refresh] [--space S]
       mcpmux set remove NAME [--space S]

Feature Sets: what clients may use. An exclude wins, in whatever set it stands.

  --include RULE  all, server:github, 'github/*', tool:github/create_issue, 'tool:*/get_*', hint:readOnly,
                  hint:destructive=false, set:Work; for tool: also prompt:, resource: and template:
  --exclude RULE  the same
  --remove N      removes rule N, as "set show" numbers them
  --point N=S     makes rule N, whose server was removed, one of server S
  --refresh       chooses the tools of Lean anew
  --effective     what comes of it, feature by feature, and why
  --client C      what this client may use; with NAME, whether the set fits its limits
  --space S       another Space than the active one
  --data-dir D    data folder of the gateway
  --json          print JSON`

const list = { type: 'string', multiple: true } as const
const options = {
  space: { type: 'string' },
  include: list,
  exclude: list,
  remove: list,
  point: list,
  rename: { type: 'string' },
  refresh: { type: 'boolean' },
  effective: { type: 'boolean' },
  client: { type: 'string' },
} as const
type Values = ReturnType<typeof parse<typeof options>>['values']

/** Which options go with which word; the others are refused. */
const optionsOf: OptionsOf = {
  list: ['space'],
  show: ['space', 'effective', 'client'],
  create: ['space', 'include', 'exclude'],
  edit: ['space', 'include', 'exclude', 'remove', 'point', 'rename', 'refresh'],
  remove: ['space'],
}

async function findSet({ api }: AdminClient, wanted: string, space: string | undefined): Promise<SetView> {
  const sets = await must(api.sets.get({ query: space === undefined ? {} : { space } }))
  const found =
    sets.find(({ id }) => id === wanted) ??
    sets.find(({ name }) => name.toLowerCase() === wanted.trim().toLowerCase())
  if (!found) throw new GatewayError('set.unknown', wanted)
  return found
}

const rules = ({ include = [], exclude = [] }: Values) => [
  ...include.map((rule) => ({ mode: 'include' as const, rule })),
  ...exclude.map((rule) => ({ mode: 'exclude' as const, rule })),
]

function number(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`"${text}" is no number of a rule`)
  return Number(text)
}

function pointed(text: string): { rule: number; server: string } {
  const at = text.indexOf('=')
  const server = text.slice(at + 1)
  if (at < 0 || server === '')
    throw new UsageError('--point takes the number of a rule and a server, like 3=github')
  return { rule: number(text.slice(0, at)), server }
}

function rulesText({ name, preset, filledAt, rules: all, clients }: SetView): string {
  const rows = all.map(({ rule, mode, text, filled }) => [String(rule), mode, text, filled ? 'chosen' : ''])
  const lines = [
    safe(name),
    rows.length > 0 ? table(['RULE', '', '', ''], rows) : 'no rules: nothing is in it',
    clients.length > 0
      ? `granted to ${clients.map((client) => safe(client.name)).join(', ')}`
      : 'granted to nobody',
  ]
  if (preset === 'lean' && filledAt === null)
    lines.splice(1, 0, 'not chosen yet: that happens when it is first used')
  return lines.join('\n')
}

async function showSet(context: Context, rest: readonly string[], values: Values): Promise<number> {
  const { io, admin } = context
  if (values.client !== undefined && !values.effective) throw new UsageError('--client goes with --effective')
  const [name] = values.client !== undefined && rest.length === 0 ? [undefined] : words(rest, 'NAME')
  if (values.effective) {
    const found = await showEffective(admin, { set: name, client: values.client, space: values.space })
    await show(io, values.json, found, () => effectiveText(found))
    return exit.ok
  }
  const set = await findSet(admin, name ?? '', values.space)
  await show(io, values.json, set, () => rulesText(set))
  return exit.ok
}

async function listSets({ io, admin }: Context, values: Values): Promise<number> {
  const sets = await must(
    admin.api.sets.get({ query: values.space === undefined ? {} : { space: values.space } }),
  )
  const rows = sets.map(({ name, preset, rules: all, clients }) => [
    name,
    preset ? 'preset' : '',
    plural(all.length, 'rule'),
    clients.map((client) => client.name).join(', '),
  ])
  await show(io, values.json, sets, () => table(['SET', '', 'RULES', 'GRANTED TO'], rows))
  return exit.ok
}

async function create({ io, admin }: Context, name: string, values: Values): Promise<number> {
  const space = await findSpace(admin, values.space)
  const set = await must(admin.api.sets.post({ spaceId: space.id, name, rules: rules(values) }))
  await show(io, values.json, set, () => `created ${safe(set.name)} with ${plural(set.rules.length, 'rule')}`)
  return exit.ok
}

async function edit({ io, admin }: Context, wanted: string, values: Values): Promise<number> {
  const add = rules(values)
  const change = {
    ...(values.rename === undefined ? {} : { name: values.rename }),
    ...(add.length > 0 ? { add } : {}),
    ...(values.remove ? { remove: values.remove.map(number) } : {}),
    ...(values.point ? { point: values.point.map(pointed) } : {}),
  }
  const changes = Object.keys(change).length > 0
  if (!changes && !values.refresh) throw new UsageError('say what to change')
  let set = await findSet(admin, wanted, values.space)
  if (changes) set = await must(admin.api.sets({ id: set.id }).patch(change))
  if (values.refresh) set = await must(admin.api.sets({ id: set.id }).refresh.post({}))
  const changed = set
  await show(io, values.json, changed, () => rulesText(changed))
  return exit.ok
}

async function remove({ io, admin }: Context, wanted: string, values: Values): Promise<number> {
  const set = await findSet(admin, wanted, values.space)
  const removed = await must(admin.api.sets({ id: set.id }).delete({}))
  await show(io, values.json, removed, () => `removed ${safe(set.name)}`)
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb = '', ...rest] = positionals
    checkVerb('set', verb, optionsOf, values)
    const context = () => open(values['data-dir'])
    if (verb === 'show') return showSet(context(), rest, values)
    if (verb === 'list') {
      words(rest)
      return listSets(context(), values)
    }
    const [name] = words(rest, 'NAME')
    if (verb === 'create') return create(context(), name, values)
    return verb === 'edit' ? edit(context(), name, values) : remove(context(), name, values)
  },
}
