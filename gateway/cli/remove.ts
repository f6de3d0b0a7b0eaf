import { must } from './client'
import { type Command, exit } from './command'
import { findServer } from './find'
import { safe, show } from './output'
import { parse, words } from './usage'

const help = `Usage: mcpmux remove SERVER [--space S] [--data-dir D] [--json]

Stops a server and removes it with its values and its approval.`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' } })
    const [wanted] = words(positionals, 'SERVER')
    const { io, admin } = open(values['data-dir'])
    const server = await findServer(admin, wanted, values.space)
    const removed = await must(admin.api.servers({ id: server.id }).delete({}))
    await show(io, values.json, removed, () => `removed ${safe(server.name)}`)
    return exit.ok
  },
}
