import type { InputBody } from '../admin/schemas'
import { environmentVariable } from '../config'
import { carriesPassword, looksSecret } from '../domain/secret-names'
import { GatewayError } from '../errors'
import type { Io } from './io'
import { UsageError } from './usage'

interface Kind {
  option: '--env' | '--header'
  /** Separates name and value. */
  separator: string
  /** Environment variables to look in when only the name is given. */
  variables(name: string): readonly string[]
}

/** What `--env` and `--header` become: texts of the definition, and the names whose values are secrets. */
export interface NamedValues {
  texts: Record<string, string>
  secrets: readonly string[]
  kind: Kind
}

export const envKind: Kind = { option: '--env', separator: '=', variables: (name) => [name] }
export const headerKind: Kind = {
  option: '--header',
  separator: ':',
  variables: (name) => [name, name.toUpperCase().replaceAll('-', '_')],
}

/** The value of a secret: from the environment, else asked. Throws `upstream.needs_input` when there is nobody to ask. */
export async function obtainSecret(name: string, kind: Kind, io: Io): Promise<string> {
  for (const variable of kind.variables(name)) {
    const value = environmentVariable(variable)
    if (value) return value
  }
  if (!io.canAsk)
    throw new GatewayError(
      'upstream.needs_input',
      `${name} is not in the environment and there is no terminal to ask on; set it and repeat`,
    )
  const answer = await io.askHidden(`Value of ${name} (not shown)`)
  if (!answer) throw new GatewayError('upstream.needs_input', name)
  return answer
}

/**
 * Reads `NAME=value` (or `Name: value`) as plain text, and a name alone as a secret to be obtained. A value under a
 * name that looks secret is refused: argv is open to every program and ends in the shell's history.
 */
export function readNamedValues(given: readonly string[], kind: Kind): NamedValues {
  const texts: Record<string, string> = {}
  const secrets: string[] = []
  for (const text of given) {
    const at = text.indexOf(kind.separator)
    const name = (at < 0 ? text : text.slice(0, at)).trim()
    if (name === '') throw new UsageError(`${kind.option} needs a name`)
    if (Object.hasOwn(texts, name)) throw new UsageError(`${kind.option} ${name} is given twice`)
    if (at < 0) {
      texts[name] = `\${input:${name}}`
      secrets.push(name)
      continue
    }
    const value = kind.separator === ':' ? text.slice(at + 1).trim() : text.slice(at + 1)
    if (looksSecret(name) || carriesPassword(value))
      throw new GatewayError(
        'input.secret_in_argv',
        `give only the name, ${kind.option} ${name}: the value comes from the environment or is asked for, and is kept as a secret`,
      )
    texts[name] = value
  }
  return { texts, secrets, kind }
}

/** The inputs of all names given alone, before anybody was asked for a value. */
export const declaredInputs = ({ secrets }: NamedValues): InputBody[] =>
  secrets.map((id) => ({ id, secret: true, value: null }))

/** The inputs of all names given alone, with their values. */
export async function obtainInputs({ secrets, kind }: NamedValues, io: Io): Promise<InputBody[]> {
  const inputs: InputBody[] = []
  for (const id of secrets) inputs.push({ id, secret: true, value: await obtainSecret(id, kind, io) })
  return inputs
}
