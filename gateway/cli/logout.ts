import { must } from './client'
import { type Command, exit } from './command'
import { findServer } from './find'
import { safe, show } from './output'
import { parse, words } from './usage'

const help = `Usage: mcpmux logout SERVER [--space S] [--data-dir D] [--json]

Ends the sign-in at a server: its tokens are removed here, and its authorization server is told that they are over.`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' } })
    const [wanted] = words(positionals, 'SERVER')
    const { io, admin } = open(values['data-dir'])
    const { id, name } = await findServer(admin, wanted, values.space)
    const { issuer, revoked, server } = await must(admin.api.servers({ id }).logout.post({}))
    await show(io, values.json, { issuer, revoked, server }, () =>
      issuer === null ? `not signed in to ${safe(name)}` : `signed out of ${safe(name)}`,
    )
    if (issuer !== null && !revoked) {
      io.talk(`${safe(issuer)} could not be told, or does not take it; the tokens are removed here.`)
      io.talk('To be sure, end the access of McpMux in your account there.')
    }
    return exit.ok
  },
}
