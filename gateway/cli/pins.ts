import type { DefinitionView, PinChange, ServerPins } from '../admin/pins'
import { type PinPolicy, pinPolicies } from '../domain/pins'
import { visibleWord } from '../domain/visible-text'
import { type AdminClient, must } from './client'
import { type Command, type Context, exit } from './command'
import { findServer, findSpace } from './find'
import { plural, safe, show, when } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux pins [SERVER] [--space S]
       mcpmux pins accept SERVER [--all] [--space S] [--yes]
       mcpmux pins policy [guard|strict|off] [--space S]

What servers offer is kept as it was accepted, or as it was first seen. What is different now is shown here, and clients
see it again when you accept it. Without SERVER: all servers of all Spaces, or of the one given.

  accept            shows what changed at one server, asks, and takes it as it is now
  --all             shows and accepts everything the server offers, changed or not
  policy guard      keep back hidden text, weaker hints, new required arguments and other instructions (default)
  policy strict     keep back every change and every newcomer
  policy off        keep back nothing; changes are written down all the same
  --yes             accept without being asked
  --data-dir D      data folder of the gateway
  --json            print JSON`

const options = {
  space: { type: 'string' },
  all: { type: 'boolean' },
  yes: { type: 'boolean' },
} as const

type Diff = PinChange['diff']

const subject = ({ kind, name }: Pick<PinChange, 'kind' | 'name'>): string =>
  kind === 'instructions' ? 'instructions' : `${kind} ${visibleWord(name)}`

const diffLines = (diff: Diff): string[] =>
  diff.flatMap(({ path, lines }) => [
    ...(path === '' ? [] : [`    ${safe(path)}`]),
    ...lines.map((line) => `      ${safe(line)}`),
  ])

const changeLines = (change: PinChange): string[] => [
  `  ${change.withheld ? 'withheld' : 'noted   '}  ${subject(change)}: ${change.what} (since ${when(change.since)})`,
  ...diffLines(change.diff),
]

const serverLines = ({ server, space, policy, changes }: ServerPins): string[] => [
  `${safe(server)} in Space ${safe(space)} (${policy})`,
  ...changes.flatMap(changeLines),
]

const definitionLines = (one: DefinitionView): string[] => [
  `  ${one.isAsAccepted ? (one.acceptedBy ? 'accepted' : 'seen    ') : 'changed '}  ${subject(one)}`,
  ...diffLines(one.shown),
]

/** One server by name, or all that have something to judge. */
async function list(admin: AdminClient, wanted: string | undefined, space: string | undefined) {
  if (wanted !== undefined) {
    const { id } = await findServer(admin, wanted, space)
    return [await must(admin.api.pins({ id }).get({ query: {} }))]
  }
  const query = space === undefined ? {} : { space: (await findSpace(admin, space)).id }
  return must(admin.api.pins.get({ query }))
}

async function accept(
  { io, admin }: Context,
  wanted: string,
  values: { space?: string; all?: boolean; yes?: boolean; json?: boolean },
): Promise<number> {
  const { id } = await findServer(admin, wanted, values.space)
  const route = admin.api.pins({ id })
  const pins = await must(route.get({ query: values.all ? { all: 'true' } : {} }))
  const { definitions = [] } = pins
  if (pins.changes.length === 0 && !values.all) {
    await show(io, values.json, { ...pins, accepted: 0 }, () => '', `${pins.server}: nothing changed`)
    return exit.ok
  }
  const shown = values.all ? definitions.flatMap(definitionLines) : []
  for (const line of [...serverLines(pins), ...shown]) io.talk(line)
  const count = plural(values.all ? definitions.length : pins.changes.length, 'definition')
  if (!values.yes && !(io.canAsk && (await io.confirm(`Accept ${count} as shown?`)))) {
    if (!io.canAsk) io.talk('mcpmux: nobody to ask here; look at the above and repeat with --yes')
    return exit.needsPerson
  }
  const body = { stamp: pins.stamp, givenBy: 'cli' as const, all: values.all ?? false }
  const after = await must(route.accept.post(body))
  await show(
    io,
    values.json,
    after,
    () => `${safe(pins.server)}: accepted ${plural(after.accepted, 'definition')}`,
  )
  return exit.ok
}

async function policy(
  { io, admin }: Context,
  wanted: string | undefined,
  values: { space?: string; json?: boolean },
): Promise<number> {
  const chosen: PinPolicy | undefined = pinPolicies.find((one) => one === wanted)
  if (wanted !== undefined && chosen === undefined) throw new UsageError('a policy is guard, strict or off')
  const { id } = await findSpace(admin, values.space)
  const route = admin.api['pin-policies']({ id })
  const now = await must(chosen ? route.put({ policy: chosen }) : route.get())
  await show(io, values.json, now, () => `${safe(now.space)}: ${now.policy}`)
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb, ...rest] = positionals
    if (verb === 'policy' && rest.length < 2) return policy(open(values['data-dir']), rest[0], values)
    if (verb === 'accept') {
      const [wanted] = words(rest, 'SERVER')
      return accept(open(values['data-dir']), wanted, values)
    }
    if (verb !== undefined) words(positionals, 'SERVER')
    if (values.all || values.yes) throw new UsageError('--all and --yes are for accept')
    const { io, admin } = open(values['data-dir'])
    const found = await list(admin, verb, values.space)
    const changed = found.filter(({ changes }) => changes.length > 0)
    const text = () =>
      changed
        .flatMap((one) => [
          ...serverLines(one),
          `  to take it as it is: mcpmux pins accept ${one.called.words}`,
          '',
        ])
        .join('\n')
        .trimEnd()
    const [only] = verb === undefined ? [] : found
    const same = `${only ? safe(only.server) : 'every server'} offers what it offered before`
    await show(io, values.json, found, text, same)
    return exit.ok
  },
}
