import type { FlowView } from '../admin/flow-view'
import { must } from './client'
import { readClientId } from './client-id'
import { type Command, exit } from './command'
import { connectOnce, outcome, withheldNotices } from './connect'
import { findServer } from './find'
import { safe, safeJson } from './output'
import { signIn } from './sign-in'
import { parse, words } from './usage'

const help = `Usage: mcpmux login SERVER [--space S] [--scope S] [--client-id C [--client-secret]] [--no-open] [--paste]

Signs you in at the authorization server of a remote server: shows who asks for what, opens the page in your browser,
and waits until you are done. Ctrl-C cancels it.

  --space S       Space of the server; default: the active one
  --scope S       rights to ask for beyond what the server wants, separated by spaces
  --client-id C   go by this client id, which you registered at the authorization server yourself
  --client-secret with its secret: taken from CLIENT_SECRET of your environment, else asked for,
                  or read from stdin
  --no-open       do not open a browser; the page is shown to copy
  --paste         ask for the address the browser ended at (or read it from stdin): for a browser on another machine
  --data-dir D    data folder of the gateway
  --json          print the sign-in as JSON`

const options = {
  space: { type: 'string' },
  scope: { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret': { type: 'boolean' },
  'no-open': { type: 'boolean' },
  paste: { type: 'boolean' },
} as const

const codeOf = ({ phase }: FlowView): number => {
  if (phase === 'done') return exit.ok
  return phase === 'failed' || phase === 'cancelled' ? exit.failure : exit.needsPerson
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [wanted] = words(positionals, 'SERVER')
    const context = open(values['data-dir'])
    const { io, admin } = context
    const server = await findServer(admin, wanted, values.space)
    const client = await readClientId(io, values)
    if (client) await must(admin.api.servers({ id: server.id }).registration.put(client))
    const flow = await signIn(context, server, {
      scope: values.scope,
      open: !values['no-open'],
      paste: values.paste === true,
    })
    if (values.json) await io.out(safeJson(JSON.stringify(flow, null, 2)))
    if (flow.phase !== 'done') return codeOf(flow)
    if (!values.json) await io.out(`signed in to ${safe(server.name)}`)
    const { line, code } = outcome(await connectOnce(admin, server.id))
    if (code === exit.ok && !values.json) await io.out(line)
    if (code !== exit.ok) io.talk(line)
    for (const notice of await withheldNotices(admin, server.id)) io.talk(notice)
    return code
  },
}
