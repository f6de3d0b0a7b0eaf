import type { Approval } from '../domain/sign-in'
import { must } from './client'
import { type Command, exit } from './command'
import { safe, show } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux deny ID
       mcpmux deny --all

Refuses a program that asked to sign in, and tells it so. ID is the four characters of "mcpmux approve --list".

  --all           every program that waits
  --data-dir D    data folder of the gateway
  --json          print JSON`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { all: { type: 'boolean' } })
    if (values.all && positionals.length > 0) throw new UsageError('say an ID or --all')
    const [wanted] = values.all ? [undefined] : words(positionals, 'ID')
    const { io, admin } = open(values['data-dir'])
    const ids = wanted === undefined ? (await must(admin.api.approvals.get())).map(({ id }) => id) : [wanted]
    const denied: Approval[] = []
    for (const id of ids) denied.push((await must(admin.api.approvals({ id }).deny.post({}))).denied)
    await show(
      io,
      values.json,
      denied,
      () => denied.map(({ name, code }) => `denied ${safe(code)} "${safe(name)}"`).join('\n'),
      'nobody waits for an approval',
    )
    return exit.ok
  },
}
