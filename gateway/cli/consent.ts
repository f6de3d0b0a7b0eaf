import { approve, consentLines } from './give-consent'
import { must } from './client'
import { type Command, exit } from './command'
import { connectUnread, outcome } from './connect'
import { findServer, findSpace } from './find'
import { safe, show, when } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux consent [--space S]
       mcpmux consent SERVER [--space S] [--yes]
       mcpmux consent --withdraw SERVER [--space S]

Nothing runs before you approved exactly it. Without SERVER: everything that waits for your approval, in all Spaces or in
the one given, with what changed since you approved it and what to notice. With SERVER: shows it and asks, and connects
it once if it never was.

  --yes           approve it without being asked
  --withdraw      take an approval back; stops the server
  --data-dir D    data folder of the gateway
  --json          print JSON`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, {
      space: { type: 'string' },
      yes: { type: 'boolean' },
      withdraw: { type: 'boolean' },
    })
    const { space, yes, withdraw, json } = values
    if (positionals.length === 0) {
      if (yes || withdraw) throw new UsageError('SERVER is missing')
      const { io, admin } = open(values['data-dir'])
      const query = space === undefined ? {} : { space: (await findSpace(admin, space)).id }
      const waiting = await must(admin.api.consents.get({ query }))
      const text = () => waiting.map((view) => consentLines(view).join('\n')).join('\n\n')
      await show(io, json, waiting, text, 'nothing waits for your approval')
      return exit.ok
    }
    const [wanted] = words(positionals, 'SERVER')
    if (yes && withdraw) throw new UsageError('--yes and --withdraw exclude each other')
    const { io, admin } = open(values['data-dir'])
    const server = await findServer(admin, wanted, space)
    const { id } = server
    const route = admin.api.consents({ id })
    if (withdraw) {
      const view = await must(route.delete({}))
      await show(io, json, view, () => `${safe(view.server)}: approval withdrawn, stopped`)
      return exit.ok
    }
    const view = await must(route.get())
    const before = view.given !== null
    if (!before && !(await approve(io, admin, view, yes))) return exit.needsPerson
    const now = await must(route.get())
    const given = () =>
      now.given ? `approved ${when(now.given.givenAt)} (${now.given.givenBy})` : 'not approved'
    await show(io, json, now, () => `${safe(now.server)}: ${given()}`)
    // Nobody else connects it: until then it has no tools that clients could call.
    const unread = before ? undefined : server
    const connected = await connectUnread(admin, unread, await must(admin.api.servers({ id }).get()))
    if (connected) io.talk(outcome(connected).line)
    return exit.ok
  },
}
