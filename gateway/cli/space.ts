import { must } from './client'
import { type Command, exit } from './command'
import { findSpace } from './find'
import { plural, safe, show, table } from './output'
import { agreed } from './presence'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux space create NAME
       mcpmux space list
       mcpmux space use SPACE
       mcpmux space rename SPACE NEW-NAME
       mcpmux space remove SPACE [--yes]

Spaces keep servers, their secrets and Feature Sets apart. Clients without a pin follow the one in use.

  --yes           remove a Space with everything in it without asking
  --data-dir D    data folder of the gateway
  --json          print JSON`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { yes: { type: 'boolean' } })
    const [verb, ...rest] = positionals
    const context = () => open(values['data-dir'])
    if (verb !== 'remove' && values.yes !== undefined) throw new UsageError('--yes is for "space remove"')
    switch (verb) {
      case 'create': {
        const [name] = words(rest, 'NAME')
        const { io, admin } = context()
        const space = await must(admin.api.spaces.post({ name }))
        await show(io, values.json, space, () => `created ${safe(space.name)}`)
        return exit.ok
      }
      case 'list': {
        words(rest)
        const { io, admin } = context()
        const spaces = await must(admin.api.spaces.get())
        const rows = spaces.map((space) => [
          space.active ? '*' : '',
          space.name,
          String(space.servers),
          space.id,
        ])
        await show(io, values.json, spaces, () => table(['', 'NAME', 'SERVERS', 'ID'], rows))
        return exit.ok
      }
      case 'use': {
        const [wanted] = words(rest, 'SPACE')
        const { io, admin } = context()
        const { id } = await findSpace(admin, wanted)
        const space = await must(admin.api.spaces({ id }).use.post({}))
        await show(io, values.json, space, () => `now in ${safe(space.name)}`)
        return exit.ok
      }
      case 'rename': {
        const [wanted, name] = words(rest, 'SPACE', 'NEW-NAME')
        const { io, admin } = context()
        const { id } = await findSpace(admin, wanted)
        const space = await must(admin.api.spaces({ id }).patch({ name }))
        await show(io, values.json, space, () => `renamed to ${safe(space.name)}`)
        return exit.ok
      }
      case 'remove': {
        const [wanted] = words(rest, 'SPACE')
        const { io, admin } = context()
        const { id, name, servers } = await findSpace(admin, wanted)
        const question = `Remove the Space ${safe(name)} with ${plural(servers, 'server')}, their secrets and its Feature Sets?`
        if (!(await agreed(io, values.yes, question))) return exit.needsPerson
        const removed = await must(admin.api.spaces({ id }).delete({}))
        await show(io, values.json, removed, () =>
          servers > 0 ? `removed ${safe(name)} with ${plural(servers, 'server')}` : `removed ${safe(name)}`,
        )
        return exit.ok
      }
      default:
        throw new UsageError('say create, list, use, rename or remove')
    }
  },
}
