import { piecesOf } from '../domain/references'
import { carriesPassword, looksSecret } from '../domain/secret-names'
import { GatewayError } from '../errors'
import { UsageError } from './usage'

interface Kind {
  option: '--env' | '--header'
  /** Separates name and value. */
  separator: string
}

export const envKind: Kind = { option: '--env', separator: '=' }
export const headerKind: Kind = { option: '--header', separator: ':' }

/** What `--env` and `--header` become: texts of the definition, and the names whose values are secrets. */
export interface NamedValues {
  texts: Record<string, string>
  secrets: readonly string[]
}

/** Whether a text may stand on a command line under this name: what is secret of it must be a reference. */
function mayBeSeen(name: string, text: string): boolean {
  const pieces = piecesOf(text) ?? []
  const refers = pieces.some(({ kind }) => kind !== 'text')
  const open = pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join('')
  return !carriesPassword(open || text) && (refers || !looksSecret(name))
}

/**
 * Reads `NAME=value` (or `Name: value`) as text of the definition, and a name alone as a secret to be obtained. A value
 * under a name that looks secret is refused: argv is open to every program and ends in the shell's history.
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
    if (!mayBeSeen(name, value))
      throw new GatewayError(
        'input.secret_in_argv',
        `give only the name, ${kind.option} ${name}: the value comes from the environment or is asked for, and is kept as a secret`,
      )
    texts[name] = value
  }
  return { texts, secrets }
}
