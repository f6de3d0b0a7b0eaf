import { approve } from './give-consent'
import { must } from './client'
import { type Command, exit } from './command'
import { settle } from './connect'
import { findServer } from './find'
import { parse, words } from './usage'

const help = `Usage: mcpmux enable SERVER [--space S] [--yes] [--data-dir D] [--json]

Lets a server be used again. One that was not approved yet, or changed since, is shown and asked about. One that was
never connected is connected once.

  --yes    approve it without being asked`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' }, yes: { type: 'boolean' } })
    const [wanted] = words(positionals, 'SERVER')
    const context = open(values['data-dir'])
    const { io, admin } = context
    const server = await findServer(admin, wanted, values.space)
    const route = admin.api.servers({ id: server.id })
    if (!server.consent) {
      const view = await must(admin.api.consents({ id: server.id }).get())
      if (!(await approve(io, admin, view, values.yes))) return exit.needsPerson
    }
    return settle(context, server, await must(route.patch({ enabled: true })), values.json)
  },
}
