import { must } from './client'
import { type Command, exit } from './command'
import { findSpace } from './find'
import { safe, show, stateWord, table } from './output'
import { parse, words } from './usage'

const help = `Usage: mcpmux list [--space S] [--data-dir D] [--json]

Lists the servers of a Space; default: the active one.`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' } })
    words(positionals)
    const { io, admin } = open(values['data-dir'])
    const space = await findSpace(admin, values.space)
    const servers = await must(admin.api.servers.get({ query: { space: space.id } }))
    const rows = servers.map((server) => [
      server.name,
      server.alias || '(no prefix)',
      stateWord(server.state),
      String(server.features.tool),
      server.definition.type,
    ])
    await show(
      io,
      values.json,
      servers,
      () => table(['NAME', 'ALIAS', 'STATE', 'TOOLS', 'TRANSPORT'], rows),
      `no servers in Space ${space.name} yet; add one with "mcpmux add"`,
    )
    for (const server of servers) {
      if (server.missing !== null && !values.json) io.talk(`${safe(server.name)}: ${safe(server.missing)}`)
    }
    return exit.ok
  },
}
