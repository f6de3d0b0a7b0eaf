import { type AdminClient, must } from './client'
import { type Command, exit } from './command'
import { findSpace } from './find'
import { safe, show, stateWord, table } from './output'
import { parse, words } from './usage'

const help = `Usage: mcpmux tools [--client C] [--space S] [--data-dir D] [--json]

Lists the tools of the active Space under the names clients see.

  --client C    exactly those this client is offered
  --space S     another Space`

const firstLine = (text: string): string => (text.trim().split('\n')[0] ?? '').slice(0, 100)

/** Servers of the Space whose tools are not in the list because they were never read, and why. */
async function unreadLines(admin: AdminClient, wanted: string | undefined): Promise<string[]> {
  const space = await findSpace(admin, wanted)
  const servers = await must(admin.api.servers.get({ query: { space: space.id } }))
  const { servers: statuses } = await must(admin.api.status.get())
  return servers
    .filter(({ enabled, refreshedAt }) => enabled && refreshedAt === null)
    .map(({ id, name, state }) => {
      const why = statuses.find((one) => one.id === id)?.missing ?? stateWord(state)
      return safe(`${name} was not read yet: ${why}`)
    })
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { client: { type: 'string' }, space: { type: 'string' } })
    words(positionals)
    const { io, admin } = open(values['data-dir'])
    const query = {
      ...(values.client === undefined ? {} : { client: values.client }),
      ...(values.space === undefined ? {} : { space: values.space }),
    }
    const tools = await must(admin.api.tools.get({ query }))
    const rows = tools.map((tool) => [
      tool.name,
      tool.server || '(no prefix)',
      tool.withheld === null
        ? firstLine(tool.description ?? tool.title ?? '')
        : `(withheld: ${tool.withheld}; see "mcpmux pins")`,
    ])
    await show(
      io,
      values.json,
      tools,
      () => table(['TOOL', 'SERVER', 'DESCRIPTION'], rows),
      'no tools; "mcpmux status" says what keeps them away',
    )
    if (values.client !== undefined || values.json) return exit.ok
    for (const line of await unreadLines(admin, values.space)) io.talk(line)
    return exit.ok
  },
}
