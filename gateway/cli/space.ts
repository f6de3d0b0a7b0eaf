import { type AdminClient, must } from './client'
import { type Command, exit } from './command'
import { findClient, findSpace } from './find'
import type { Io } from './io'
import { plural, safe, show, table } from './output'
import { agreed } from './presence'
import { checkVerb, type OptionsOf, parse, UsageError, words } from './usage'

const help = `Usage: mcpmux space create NAME
       mcpmux space list
       mcpmux space use SPACE
       mcpmux space rename SPACE NEW-NAME
       mcpmux space icon SPACE VALUE         one sign, "" for none
       mcpmux space move SPACE PLACE         its place in the list, from 1
       mcpmux space duplicate SPACE NEW-NAME [--secrets]
       mcpmux space export SPACE
       mcpmux space remove SPACE [--yes]
       mcpmux space waiting
       mcpmux space choose CLIENT SPACE
       mcpmux space refuse CLIENT

Spaces keep servers, their secrets and Feature Sets apart. Clients without a pin follow the one in use; one that is
asked ("client pin CLIENT --ask") waits until "choose" says where it works, or "refuse" that it does not.
A duplicate has the servers and Feature Sets of its original, but no consents, and no client may use it yet. An export
is JSON and has no secrets in it.

  --data-dir D    data folder of the gateway
  --json          print JSON
  --secrets       the duplicate gets the stored secrets as well
  --yes           remove a Space with everything in it without asking`

interface Given {
  io: Io
  admin: AdminClient
  json: boolean | undefined
  yes: boolean | undefined
  secrets: boolean | undefined
}

/** Nothing returned is success. */
type Verb = (given: Given, rest: string[]) => Promise<number | void>

const verbs: Readonly<Record<string, Verb>> = {
  async create({ io, admin, json }, rest) {
    const [name] = words(rest, 'NAME')
    const space = await must(admin.api.spaces.post({ name }))
    await show(io, json, space, () => `created ${safe(space.name)}`)
  },
  async list({ io, admin, json }, rest) {
    words(rest)
    const spaces = await must(admin.api.spaces.get())
    const rows = spaces.map((space) => [
      space.active ? '*' : '',
      space.icon ? `${space.icon} ${space.name}` : space.name,
      String(space.servers),
      space.id,
    ])
    await show(io, json, spaces, () => table(['', 'NAME', 'SERVERS', 'ID'], rows))
  },
  async use({ io, admin, json }, rest) {
    const [wanted] = words(rest, 'SPACE')
    const { id } = await findSpace(admin, wanted)
    const space = await must(admin.api.spaces({ id }).use.post({}))
    await show(io, json, space, () => `now in ${safe(space.name)}`)
  },
  async rename({ io, admin, json }, rest) {
    const [wanted, name] = words(rest, 'SPACE', 'NEW-NAME')
    const { id } = await findSpace(admin, wanted)
    const space = await must(admin.api.spaces({ id }).patch({ name }))
    await show(io, json, space, () => `renamed to ${safe(space.name)}`)
  },
  async icon({ io, admin, json }, rest) {
    const [wanted, icon] = words(rest, 'SPACE', 'VALUE')
    const { id } = await findSpace(admin, wanted)
    const space = await must(admin.api.spaces({ id }).patch({ icon: icon || null }))
    await show(io, json, space, () => `${safe(space.name)} has ${space.icon ? safe(space.icon) : 'no icon'}`)
  },
  async move({ io, admin, json }, rest) {
    const [wanted, place] = words(rest, 'SPACE', 'PLACE')
    if (!/^[1-9][0-9]{0,3}$/.test(place)) throw new UsageError('PLACE is a number from 1')
    const { id } = await findSpace(admin, wanted)
    const spaces = await must(admin.api.spaces({ id }).move.post({ position: Number(place) - 1 }))
    await show(io, json, spaces, () => spaces.map(({ name }) => safe(name)).join('\n'))
  },
  async duplicate({ io, admin, json, secrets = false }, rest) {
    const [wanted, name] = words(rest, 'SPACE', 'NEW-NAME')
    const { id } = await findSpace(admin, wanted)
    const copy = await must(admin.api.spaces({ id }).duplicate.post({ name, secrets }))
    await show(io, json, copy, () => {
      const local = copy.needConsent
      const note =
        local > 0
          ? `; ${plural(local, 'server')} of it ${local === 1 ? 'waits' : 'wait'} for your consent`
          : ''
      return `created ${safe(copy.space.name)} with ${plural(copy.servers, 'server')}${note}`
    })
  },
  async export({ io, admin }, rest) {
    const [wanted] = words(rest, 'SPACE')
    const { id } = await findSpace(admin, wanted)
    const file = await must(admin.api.spaces({ id }).export.get())
    await show(io, true, file, () => '')
  },
  async remove({ io, admin, json, yes }, rest) {
    const [wanted] = words(rest, 'SPACE')
    const { id, name, servers } = await findSpace(admin, wanted)
    const question = `Remove the Space ${safe(name)} with ${plural(servers, 'server')}, their secrets and its Feature Sets?`
    if (!(await agreed(io, yes, question))) return exit.needsPerson
    const removed = await must(admin.api.spaces({ id }).delete({}))
    await show(io, json, removed, () =>
      servers > 0 ? `removed ${safe(name)} with ${plural(servers, 'server')}` : `removed ${safe(name)}`,
    )
  },
  async waiting({ io, admin, json }, rest) {
    words(rest)
    const open = await must(admin.api['space-questions'].get())
    const rows = open.map(({ client, since }) => [client, new Date(since).toISOString()])
    await show(io, json, open, () =>
      rows.length > 0 ? table(['CLIENT', 'SINCE'], rows) : 'no client waits to be told its Space',
    )
  },
  async choose({ io, admin, json }, rest) {
    const [who, wanted] = words(rest, 'CLIENT', 'SPACE')
    const client = await findClient(admin, who)
    const { id: spaceId } = await findSpace(admin, wanted)
    const chosen = await must(admin.api['space-questions']({ id: client.id }).post({ spaceId }))
    await show(io, json, chosen, () => `${safe(client.name)} works in ${safe(chosen.space.name)}`)
  },
  async refuse({ io, admin, json }, rest) {
    const [who] = words(rest, 'CLIENT')
    const client = await findClient(admin, who)
    const refused = await must(admin.api['space-questions']({ id: client.id }).delete({}))
    await show(io, json, refused, () => `${safe(client.name)} gets no Space for now`)
  },
}

const optionsOf: OptionsOf = {
  ...Object.fromEntries(Object.keys(verbs).map((verb) => [verb, []])),
  duplicate: ['secrets'],
  remove: ['yes'],
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { yes: { type: 'boolean' }, secrets: { type: 'boolean' } })
    const [verb = '', ...rest] = positionals
    checkVerb('space', verb, optionsOf, values)
    const { io, admin } = open(values['data-dir'])
    const given = { io, admin, json: values.json, yes: values.yes, secrets: values.secrets }
    return (await verbs[verb]?.(given, rest)) ?? exit.ok
  },
}
