// What references are allowed where.
import { decidesCode } from './command-risks'
import { inputArgument, inputsOfPiece, namedTexts, type Piece, piecesOf, refers } from './references'
import { carriesPassword, isOurVariable, looksSecret } from './secret-names'
import type { Definition } from './server'
import type { ServerInput } from './server-input'

/** What is wrong with a definition; it names fields and never values. `inArgv`: a secret would become an argument. */
export interface RuleProblem {
  what: string
  inArgv: boolean
}

type Declared = ReadonlyMap<string, ServerInput>

const problem = (what: string, inArgv = false): RuleProblem => ({ what, inArgv })

/** Whether what a piece stands for must not be seen. */
const isSecret = (piece: Piece, declared: Declared): boolean =>
  piece.kind === 'input' ? declared.get(piece.id)?.secret === true : piece.kind !== 'text'

/** What is wrong in environment or headers; inputs that are referred to are put into `used`. */
export function textsProblem(
  definition: Definition,
  declared: Declared,
  used: Set<string>,
): RuleProblem | null {
  for (const [name, text] of Object.entries(namedTexts(definition))) {
    const found = textProblem(definition, name, text, declared, used)
    if (found) return found
  }
  return null
}

function textProblem(
  definition: Definition,
  name: string,
  text: string,
  declared: Declared,
  used: Set<string>,
): RuleProblem | null {
  const pieces = piecesOf(text)
  if (!pieces) return problem(`the value of "${name}" has a reference that cannot be read`)
  for (const piece of pieces) {
    const wrong = pieceProblem(definition, name, piece, pieces.length, declared, used)
    if (wrong) return wrong
  }
  const secret = pieces.some((piece) => isSecret(piece, declared))
  // A secret may change after the consent, and is not shown for it.
  if (secret && definition.type === 'stdio' && decidesCode(name))
    return problem(`"${name}" decides which code runs, so its value must be seen: it cannot be secret`)
  if (looksSecret(name) && !secret)
    return problem(
      pieces.some(({ kind }) => kind === 'input')
        ? `the input of "${name}" must be secret`
        : `"${name}" looks like a secret: give it as a secret input`,
    )
  const open = pieces.map((piece) =>
    piece.kind === 'text' ? piece.text : isSecret(piece, declared) ? '' : 'x',
  )
  return carriesPassword(open.join(''))
    ? problem(`"${name}" looks like a secret: give it as a secret input`)
    : null
}

function pieceProblem(
  definition: Definition,
  name: string,
  piece: Piece,
  ofSo: number,
  declared: Declared,
  used: Set<string>,
): RuleProblem | null {
  if (piece.kind === 'env' && isOurVariable(piece.name))
    return problem(`the value of "${name}" refers to a variable that is for McpMux itself`)
  if (piece.kind === 'basic' && (definition.type === 'stdio' || ofSo > 1))
    return problem(`the value of "${name}" must be the credentials of Basic alone, in a header`)
  for (const id of inputsOfPiece(piece)) {
    const input = declared.get(id)
    if (!input) return problem(`the value of "${name}" refers to an input that is not declared`)
    if (input.multiple) return problem(`the value of "${name}" refers to an input that has several values`)
    used.add(id)
  }
  if (piece.kind === 'basic' && !declared.get(piece.password)?.secret)
    return problem('the password must be a secret input')
  return null
}

/** What is wrong in arguments, which every program on the machine can read; fills `used` as above. */
export function argumentsProblem(
  definition: Definition,
  declared: Declared,
  used: Set<string>,
): RuleProblem | null {
  if (definition.type !== 'stdio') return null
  for (const [at, argument] of definition.args.entries()) {
    if (!refers(argument)) continue
    const which = `argument ${at + 1}`
    if (/\$\{(env|secret|basic):/.test(argument))
      return problem(`${which} refers to a secret; give it by --env, or not at all`, true)
    const stands = inputArgument(argument)
    if (!stands) return problem(`${which} must be an input alone, not a part of a text`)
    const input = declared.get(stands.id)
    if (!input) return problem(`${which} refers to an input that is not declared`)
    if (input.secret)
      return problem(`${which} refers to a secret input; give it by --env, or not at all`, true)
    if (stands.option !== null && looksSecret(stands.option))
      return problem(`${which} looks like a secret; give it by --env, or not at all`, true)
    used.add(stands.id)
  }
  return null
}
