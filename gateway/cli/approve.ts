import type { ApprovalView, Approved } from '../admin/approvals'
import { GatewayError } from '../errors'
import { approvalLines } from './approval-text'
import { must } from './client'
import { type Command, type Context, exit } from './command'
import { safe, show, table, when } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux approve [ID] [--space S] [--set F] [--client C] [--yes]
       mcpmux approve [ID] --everywhere
       mcpmux approve --list

Lets a program in that asked to sign in. ID is the four characters its browser page shows, and may be left out when
one program waits. It becomes a client that works in the Space (default: the active one) with the Feature Set (default:
the Space's own). One that was approved before keeps what it had, unless something is given here.

  --space S       Space of the client
  --set F         Feature Set it may use
  --everywhere    it follows the active Space, with the default Feature Set of each
  --client C      it is this client, which exists
  --yes           do not ask
  --list          show who waits
  --data-dir D    data folder of the gateway
  --json          print JSON`

const options = {
  space: { type: 'string' },
  set: { type: 'string' },
  client: { type: 'string' },
  everywhere: { type: 'boolean' },
  yes: { type: 'boolean' },
  list: { type: 'boolean' },
} as const
type Values = ReturnType<typeof parse<typeof options>>['values']

async function list({ io, admin }: Context, json: boolean | undefined): Promise<number> {
  const waiting = await must(admin.api.approvals.get())
  const row = ({ code, name, receiver, client, expiresAt }: ApprovalView) => [
    code,
    name,
    receiver,
    client?.name ?? 'new',
    when(expiresAt),
  ]
  await show(
    io,
    json,
    waiting,
    () => table(['ID', 'CALLS ITSELF', 'ANSWER GOES TO', 'CLIENT', 'WAITS UNTIL'], waiting.map(row)),
    'nobody waits for an approval',
  )
  return exit.ok
}

/** The one that is meant. Throws `approval.unknown`, and a UsageError when it could be several. */
function meant(waiting: readonly ApprovalView[], wanted: string | undefined): ApprovalView {
  const [only, ...more] =
    wanted === undefined
      ? waiting
      : waiting.filter(({ id, code }) => id === wanted || code === wanted.toUpperCase())
  if (!only) throw new GatewayError('approval.unknown', wanted)
  if (more.length > 0) throw new UsageError('several programs wait: say which, see "mcpmux approve --list"')
  return only
}

function summary({ client, approval }: Approved, rights: string): string {
  return `approved: "${safe(approval.name)}" is client "${safe(client.name)}", ${safe(rights)}`
}

/** What it may use from now on, in words. */
async function rightsOf({ admin }: Context, { client }: Approved): Promise<string> {
  if (client.everywhere) return 'which follows the active Space with its default set'
  const space = (await must(admin.api.spaces.get())).find(({ id }) => id === client.spaceNow)
  const sets = space ? await must(admin.api.sets.get({ query: { space: space.id } })) : []
  const granted = client.grants.filter(({ spaceId }) => spaceId === space?.id).map(({ setId }) => setId)
  const names = sets.filter(({ id }) => granted.includes(id)).map(({ name }) => name)
  return `in Space ${space?.name ?? '?'} with ${names.join(', ') || 'nothing'}`
}

async function approve(context: Context, wanted: string | undefined, values: Values): Promise<number> {
  const { io, admin } = context
  const approval = meant(await must(admin.api.approvals.get()), wanted)
  for (const line of approvalLines(approval)) io.talk(line)
  // Who names it has seen its page, or the list; without a name the person has seen nothing yet.
  if (wanted === undefined && !values.yes) {
    if (!io.canAsk) {
      io.talk(`nothing was approved; repeat it as "mcpmux approve ${approval.code}"`)
      return exit.needsPerson
    }
    if (!(await io.confirm('Let it in?'))) {
      io.talk('nothing was approved; "mcpmux deny" tells the program so')
      return exit.failure
    }
  }
  const approved = await must(
    admin.api.approvals({ id: approval.id }).approve.post({
      ...(values.space === undefined ? {} : { space: values.space }),
      ...(values.set === undefined ? {} : { set: values.set }),
      ...(values.client === undefined ? {} : { client: values.client }),
      ...(values.everywhere ? { everywhere: true } : {}),
    }),
  )
  const rights = await rightsOf(context, approved)
  await show(io, values.json, approved, () => summary(approved, rights))
  return exit.ok
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const wants = values.space ?? values.set ?? values.client ?? values.everywhere ?? values.yes
    if (values.everywhere && (values.space ?? values.set) !== undefined)
      throw new UsageError('--everywhere stands alone: it has no Space and no set')
    if (values.list) {
      words(positionals)
      if (wants !== undefined) throw new UsageError('--list only shows who waits')
      return list(open(values['data-dir']), values.json)
    }
    const [wanted] = positionals.length === 0 ? [undefined] : words(positionals, 'ID')
    return approve(open(values['data-dir']), wanted, values)
  },
}
