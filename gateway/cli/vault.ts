import type { VaultCheck } from '../admin/vault'
import type { VaultView } from '../admin/vault-view'
import type { VaultPlace } from '../domain/vault-state'
import { must } from './client'
import { type Command, type Context, exit } from './command'
import type { Io } from './io'
import { plural, show } from './output'
import { askNewPassphrase, askPassphrase } from './passphrase'
import { agreed } from './presence'
import { checkVerb, type OptionsOf, parse, UsageError, words } from './usage'
import { exportTo, importFrom } from './vault-file'
import { rotate } from './vault-rotation'
import { vaultLines } from './vault-lines'

const help = `Usage: mcpmux vault status
       mcpmux vault unlock
       mcpmux vault use keychain | passphrase | insecure [--yes]
       mcpmux vault rotate [--wrapping | --sessions | --all]
       mcpmux vault export FILE [--yes]
       mcpmux vault import FILE [--place keychain | passphrase | insecure] [--yes]
       mcpmux vault reset keychain | passphrase | insecure [--yes]

The vault seals the secrets of your servers in the database. Its key lies in the keychain of the operating system.

  status     whether it is open, and whether its key is where it should be
  unlock     looks for the key at once; asks for the passphrase where there is one
  use        keeps the key elsewhere: "passphrase" for machines without a keychain, asked for after each start;
             "insecure" in a file of the data folder, which protects nothing once that folder is copied
  rotate     new keys in the same place, and every secret sealed anew; secrets and approvals stay. "--wrapping" leaves
             what is sealed and exchanges the key in the keychain alone. "--sessions" exchanges the keys of sessions and
             access tokens instead: sessions end at once, clients initialize or renew again. "--all" is both
  export     writes the key and the secrets into a new file, under a passphrase of its own
  import     opens a locked vault with the key of an export, after the keychain lost its own or on another machine;
             "--place" says where the key is to lie then ("passphrase": that of the file). Into an open vault it
             brings the secrets, each to the server of the same id, or of the same name, Space and definition
  reset      for a key that is lost: begins with a new one. Secrets have to be given, and servers approved, again

A passphrase is asked for, or read from stdin when that is no terminal.

  --wrapping    only the key that wraps the other one
  --sessions    the keys of sessions and access tokens
  --all         all of them
  --place P     where the key of a locked vault is to lie; default: keychain
  --yes         do not ask whether
  --data-dir D  data folder of the gateway
  --json        print JSON`

const options = {
  wrapping: { type: 'boolean' },
  sessions: { type: 'boolean' },
  all: { type: 'boolean' },
  place: { type: 'string' },
  yes: { type: 'boolean' },
} as const
type Values = ReturnType<typeof parse<typeof options>>['values']

/** Which options go with which verb. */
const optionsOf: OptionsOf = {
  status: [],
  unlock: [],
  use: ['yes'],
  rotate: ['wrapping', 'sessions', 'all'],
  export: ['yes'],
  import: ['place', 'yes'],
  reset: ['yes'],
}

const missingKey: Record<NonNullable<VaultCheck['keyMissing']>, string> = {
  no_keychain: 'the keychain does not answer now',
  keychain_locked: 'the keychain is locked now',
  keychain_asks: 'the keychain has not answered yet, it may be asking you',
  keychain_refused: 'access to the keychain was refused',
  key_missing: 'its key is not where it was',
  key_wrong: 'another key is in its place',
  passphrase: 'it will ask for the passphrase',
}

function checkLines(check: VaultCheck): string[] {
  const { state, keyMissing } = check
  const lines = [...vaultLines(check), `sealed    ${plural(check.sealed, 'value')} so far with this key`]
  if (state.status === 'open' && keyMissing !== null)
    lines.push(
      `warning   ${missingKey[keyMissing]}: the next start will find the vault locked`,
      '          while it is open, "mcpmux vault use keychain" puts a key there again',
    )
  return lines
}

async function status({ io, admin }: Context, values: Values): Promise<number> {
  const check = await must(admin.api.vault.get())
  await show(io, values.json, check, () => checkLines(check).join('\n'))
  return check.state.status === 'open' ? exit.ok : exit.needsPerson
}

async function told(io: Io, view: VaultView, values: Values): Promise<number> {
  await show(io, values.json, view, () => vaultLines(view).join('\n'))
  return view.state.status === 'open' ? exit.ok : exit.needsPerson
}

async function unlock({ io, admin }: Context, values: Values): Promise<number> {
  const { state } = await must(admin.api.vault.get())
  const asked = state.status === 'locked' && state.why === 'passphrase'
  const body = asked ? { passphrase: await askPassphrase(io, 'Passphrase (not shown)') } : {}
  return told(io, await must(admin.api.vault.unlock.post(body)), values)
}

const places: Readonly<Record<string, VaultPlace>> = {
  keychain: 'keychain',
  passphrase: 'passphrase',
  insecure: 'file',
}

function readPlace(word: string): VaultPlace {
  const place = Object.hasOwn(places, word) ? places[word] : undefined
  if (!place) throw new UsageError('say keychain, passphrase or insecure')
  return place
}

const lost =
  'Every secret sealed so far becomes unreadable and has to be given again, every server has to be approved again'

const costs: Record<'use' | 'reset', Record<VaultPlace, string | null>> = {
  use: {
    keychain: null,
    passphrase: null,
    file: 'The key will lie in a file of the data folder: whoever can copy that folder can read every secret in it.',
  },
  reset: {
    keychain: `${lost}.`,
    passphrase: `${lost}.`,
    file: `${lost}, and the new key will lie in a file of the data folder.`,
  },
}

async function change(
  { io, admin }: Context,
  verb: 'use' | 'reset',
  place: VaultPlace,
  values: Values,
): Promise<number> {
  const cost = costs[verb][place]
  if (cost) io.talk(cost)
  if (cost && !(await agreed(io, values.yes, 'Go on?'))) return exit.needsPerson
  const body = { place, ...(place === 'passphrase' ? { passphrase: await askNewPassphrase(io) } : {}) }
  const { vault } = admin.api
  return told(io, await must(verb === 'use' ? vault.move.post(body) : vault.reset.post(body)), values)
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb = '', ...rest] = positionals
    checkVerb('vault', verb, optionsOf, values)
    const context = () => open(values['data-dir'])
    switch (verb) {
      case 'status':
        words(rest)
        return status(context(), values)
      case 'unlock':
        words(rest)
        return unlock(context(), values)
      case 'rotate':
        words(rest)
        return rotate(context(), values)
      case 'export': {
        const [file] = words(rest, 'FILE')
        return exportTo(context(), file, values)
      }
      case 'import': {
        const [file] = words(rest, 'FILE')
        const { place: wanted, ...more } = values
        const place = wanted === undefined ? {} : { place: readPlace(wanted) }
        return importFrom(context(), file, { ...more, ...place })
      }
      case 'use':
      case 'reset': {
        const [place] = words(rest, 'keychain, passphrase or insecure')
        return change(context(), verb, readPlace(place), values)
      }
      default:
        throw new UsageError(`"${verb}" is no verb of it`)
    }
  },
}
