import { must } from './client'
import { type Command, exit } from './command'
import { findServer } from './find'
import { safe, show, stateWord } from './output'
import { parse, words } from './usage'

const help = `Usage: mcpmux disable SERVER [--space S] [--data-dir D] [--json]

Stops a server and takes its tools out of every list until it is enabled again.`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' } })
    const [wanted] = words(positionals, 'SERVER')
    const { io, admin } = open(values['data-dir'])
    const server = await findServer(admin, wanted, values.space)
    const now = await must(admin.api.servers({ id: server.id }).patch({ enabled: false }))
    await show(io, values.json, now, () => `${safe(now.name)}: ${stateWord(now.state)}`)
    return exit.ok
  },
}
