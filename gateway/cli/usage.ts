import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearest } from './nearest'

/** A command line that cannot be understood; answered with the command's own forms and exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

type Options = NonNullable<ParseArgsConfig['options']>

/** Options of every command that talks to the daemon. */
const common = {
  'data-dir': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies Options

const guess = (message: string, names: readonly string[]): string => {
  const typed = /^Unknown option '--([^']*)'/.exec(message)?.[1]
  const meant = typed === undefined ? null : nearest(typed, names)
  return meant === null ? '' : `; did you mean --${meant}?`
}

/** Strict parsing: an option nobody declared, or given without its value, is a UsageError. */
export function parse<const O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({
      args: [...args],
      options: { ...common, ...options },
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    // Node's first sentence says what is wrong; what follows is advice for programmers.
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error)
    throw new UsageError(message.replace(/\.$/, '') + guess(message, Object.keys({ ...common, ...options })))
  }
}

/** Which options each verb of a command takes beside those of every command. */
export type OptionsOf = Readonly<Record<string, readonly string[]>>

/** Refuses a verb the command does not have, and an option that is another verb's. */
export function checkVerb(
  command: string,
  verb: string,
  optionsOf: OptionsOf,
  values: Readonly<Record<string, unknown>>,
): void {
  const allowed = Object.hasOwn(optionsOf, verb) ? optionsOf[verb] : undefined
  if (!allowed) {
    const verbs = Object.keys(optionsOf)
    const unknown = verb === '' ? '' : `there is no "${verb}"; `
    throw new UsageError(`${unknown}say ${verbs.slice(0, -1).join(', ')} or ${verbs.at(-1) ?? ''}`)
  }
  for (const [name, value] of Object.entries(values))
    if (value !== undefined && !Object.hasOwn(common, name) && !allowed.includes(name))
      throw new UsageError(`--${name} is not for "${command} ${verb}"`)
}

/** Words that may be any text; all others are names. */
const free = new Set(['JSON', 'VALUE'])

/** Exactly these words after the options, in order; each name is what the help calls it. */
export function words<const N extends readonly string[]>(
  positionals: readonly string[],
  ...names: N
): { [K in keyof N]: string } {
  const missing = names[positionals.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing`)
  const extra = positionals[names.length]
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`)
  for (const [at, word] of positionals.entries()) {
    const name = names[at] ?? ''
    if (free.has(name)) continue
    if (word.trim() === '') throw new UsageError(`${name} is empty`)
    if (/\p{Cc}/u.test(word)) throw new UsageError(`${name} contains a control character`)
  }
  return [...positionals] as { [K in keyof N]: string }
}
