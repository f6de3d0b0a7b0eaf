import type { ClientView } from '../admin/client-view'
import { must } from './client'
import { type Command, exit } from './command'
import { safe, show } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux grant CLIENT --set F… [--replace] [--space S]
       mcpmux grant CLIENT --revoke [--set F]… [--space S]

Gives a client Feature Sets of a Space: the one it works in now, unless told. It may use what some of them include and
none of them excludes.

  --set F         a Feature Set by name; more than one may be given
  --replace       these and no others
  --revoke        takes them away; without --set, all of the Space
  --space S       another Space
  --data-dir D    data folder of the gateway
  --json          print JSON`

/** What the client has now in the Space that was meant. */
function heldIn(client: ClientView, spaceId: string, names: ReadonlyMap<string, string>): string {
  const held = client.grants
    .filter((grant) => grant.spaceId === spaceId)
    .map(({ setId }) => safe(names.get(setId) ?? setId))
  if (client.everywhere) held.push('the default set of every Space')
  return held.length > 0
    ? `${safe(client.name)} has ${held.join(', ')}`
    : `${safe(client.name)} has nothing there now`
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, {
      set: { type: 'string', multiple: true },
      space: { type: 'string' },
      replace: { type: 'boolean' },
      revoke: { type: 'boolean' },
    })
    const [client] = words(positionals, 'CLIENT')
    const sets = values.set ?? []
    if (values.replace && values.revoke) throw new UsageError('--replace and --revoke exclude each other')
    if (sets.length === 0 && !values.revoke) throw new UsageError('--set is missing')
    const { io, admin } = open(values['data-dir'])
    const space = values.space === undefined ? {} : { space: values.space }
    const mode = values.revoke ? 'revoke' : values.replace ? 'replace' : 'add'
    const changed = await must(admin.api.grants.post({ client, sets, mode, ...space }))
    const spaces = await must(admin.api.spaces.get())
    const named = spaces.find(
      ({ id, name }) => id === values.space || name.toLowerCase() === values.space?.toLowerCase(),
    )
    const meant = named?.id ?? changed.spaceNow ?? spaces.find(({ active }) => active)?.id ?? ''
    const known = await must(admin.api.sets.get({ query: { space: meant } }))
    const names = new Map(known.map(({ id, name }) => [id, name]))
    await show(io, values.json, changed, () => heldIn(changed, meant, names))
    return exit.ok
  },
}
