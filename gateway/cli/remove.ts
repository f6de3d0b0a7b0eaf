import { must } from './client'
import { type Command, exit } from './command'
import { findServer } from './find'
import { safe, show } from './output'
import { agreed } from './presence'
import { parse, words } from './usage'

const help = `Usage: mcpmux remove SERVER [--space S] [--yes] [--data-dir D] [--json]

Stops a server and removes it with its values and its approval. Asks first; --yes agrees beforehand.`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' }, yes: { type: 'boolean' } })
    const [wanted] = words(positionals, 'SERVER')
    const { io, admin } = open(values['data-dir'])
    const server = await findServer(admin, wanted, values.space)
    const question = `Remove ${safe(server.name)} with its values and its approval?`
    if (!(await agreed(io, values.yes, question))) return exit.needsPerson
    const removed = await must(admin.api.servers({ id: server.id }).delete({}))
    await show(io, values.json, removed, () => `removed ${safe(server.name)}`)
    return exit.ok
  },
}
