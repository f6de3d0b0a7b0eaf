import type { VaultCheck, VaultView } from '../admin/vault'
import type { VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import { must } from './client'
import { type Command, type Context, exit } from './command'
import type { Io } from './io'
import { plural, safe, show } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux vault status
       mcpmux vault unlock
       mcpmux vault use keychain | passphrase | insecure
       mcpmux vault reset keychain | passphrase | insecure

The vault seals the secrets of your servers in the database. Its key lies in the keychain of the operating system.

  status     whether it is open, and whether its key is where it should be
  unlock     looks for the key at once; asks for the passphrase where there is one
  use        keeps the key elsewhere: "passphrase" for machines without a keychain, asked for after each start;
             "insecure" in a file of the data folder, which protects nothing once that folder is copied
  reset      for a key that is lost: begins with a new one. Secrets have to be given, and servers approved, again

A passphrase is asked for, or read from stdin when that is no terminal.

  --yes         do not ask whether
  --data-dir D  data folder of the gateway
  --json        print JSON`

const options = { yes: { type: 'boolean' } } as const
type Values = ReturnType<typeof parse<typeof options>>['values']

/** The vault in one or two lines, for `status` too. */
export function vaultLines({ what, todo }: VaultView): string[] {
  return [`vault     ${safe(what)}`, ...(todo === null ? [] : [`          ${safe(todo)}`])]
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

const firstLine = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).split(/\r?\n/)[0] ?? ''

async function passphrase(io: Io, question: string): Promise<string> {
  const answer = io.canAsk ? await io.askHidden(question) : firstLine(await io.readInput())
  if (!answer) throw new GatewayError('input.invalid', 'no passphrase was given')
  return answer
}

async function newPassphrase(io: Io): Promise<string> {
  const first = await passphrase(io, 'New passphrase, 8 characters or more (not shown)')
  if (io.canAsk && first !== (await passphrase(io, 'Once more')))
    throw new GatewayError('input.invalid', 'the two passphrases differ')
  return first
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
  const body = asked ? { passphrase: await passphrase(io, 'Passphrase (not shown)') } : {}
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
  if (cost && !values.yes) {
    if (!io.canAsk) {
      io.talk('mcpmux: nobody to ask here; repeat with --yes if that is what you want')
      return exit.needsPerson
    }
    if (!(await io.confirm('Go on?'))) return exit.needsPerson
  }
  const body = { place, ...(place === 'passphrase' ? { passphrase: await newPassphrase(io) } : {}) }
  const { vault } = admin.api
  return told(io, await must(verb === 'use' ? vault.move.post(body) : vault.reset.post(body)), values)
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [verb, ...rest] = positionals
    const context = () => open(values['data-dir'])
    switch (verb) {
      case 'status':
        words(rest)
        return status(context(), values)
      case 'unlock':
        words(rest)
        return unlock(context(), values)
      case 'use':
      case 'reset': {
        const [place] = words(rest, 'keychain, passphrase or insecure')
        return change(context(), verb, readPlace(place), values)
      }
      default:
        throw new UsageError('say status, unlock, use or reset')
    }
  },
}
