import { must } from './client'
import { type Command, exit } from './command'
import { waitsForPerson } from './failure'
import { findServer } from './find'
import { obtainSecret } from './given-inputs'
import { safe, show, stateWord } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux restart SERVER [--space S] [--env K]… [--header K]… [--data-dir D] [--json]

Stops a server and starts it again, also one that gave up. Secrets that are missing are taken from your
environment or asked for.

  --env K       give this secret again
  --header K    give this secret header again`

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, {
      space: { type: 'string' },
      env: { type: 'string', multiple: true },
      header: { type: 'string', multiple: true },
    })
    const [wanted] = words(positionals, 'SERVER')
    const { io, admin } = open(values['data-dir'])
    const server = await findServer(admin, wanted, values.space)
    const asked = [...(values.env ?? []), ...(values.header ?? [])]
    const unknown = asked.find((id) => !server.inputs.some((input) => input.id === id && input.secret))
    if (unknown !== undefined)
      throw new UsageError(
        `give only the name of a secret this server has; "${safe(unknown.split(/[=:]/)[0] ?? '')}" is none`,
      )
    const due = server.inputs.filter(
      (input) => input.secret && (asked.includes(input.id) || (!input.isSet && input.required !== false)),
    )
    const secrets: { id: string; value: string }[] = []
    for (const input of due) {
      const value = await obtainSecret({ ...input, required: true }, server.definition, io)
      if (value !== null) secrets.push({ id: input.id, value })
    }

    const route = admin.api.servers({ id: server.id })
    if (secrets.length > 0) await must(route.values.put({ values: secrets }))
    const now = await must(route.restart.post({}))
    await show(io, values.json, now, () => `${safe(now.name)}: ${stateWord(now.state)}`)
    const failed = now.state.status === 'failed'
    if (now.state.status === 'failed') io.talk(`mcpmux: ${safe(now.state.message)} (${now.state.code})`)
    if (waitsForPerson(now.state)) return exit.needsPerson
    return failed ? exit.failure : exit.ok
  },
}
