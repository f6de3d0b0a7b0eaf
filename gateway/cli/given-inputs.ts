// The inputs of a server that is added: which there are, and where their values come from.
import type { DefinitionBody, InputBody } from '../admin/schemas'
import { environmentVariable } from '../config'
import { inputArgument, inputsOfPiece, namedTexts, piecesOf } from '../domain/references'
import { inputTypes, type InputType } from '../domain/server-input'
import { GatewayError } from '../errors'
import type { Io } from './io'
import { askForInput, givenValue } from './typed-value'
import { UsageError } from './usage'

/** Where the password for `--basic` is looked for before it is asked for. */
const PASSWORD_VARIABLE = 'MCPMUX_PASSWORD'

/** Of `ID[?][:TYPE][=VALUE]`, where TYPE can be choices (`a|b|c`), or end in `…` for several values. */
const SPEC = /^([^:=?}]+)(\?)?(?::([^=]*))?(?:=([\s\S]*))?$/

function typeOf(word: string, id: string): Pick<InputBody, 'type' | 'choices' | 'multiple' | 'secret'> {
  const multiple = /(…|\.\.\.)$/.test(word)
  const name = word.replace(/(…|\.\.\.)$/, '')
  const several = multiple ? { multiple } : {}
  if (name === 'secret') return { secret: true, ...several }
  if (name.includes('|')) return { secret: false, type: 'choice', choices: name.split('|'), ...several }
  const type: InputType | undefined = inputTypes.find((one) => one === name && one !== 'choice')
  if (type === undefined)
    throw new UsageError(
      `--input ${id}: the type is text, secret, number, boolean, url, file, folder, or choices a|b|c`,
    )
  return { secret: false, ...(type === 'text' ? {} : { type }), ...several }
}

/** Reads `--input`. Values of one id that are given one after the other belong to one input. */
export function readInputs(given: readonly string[]): InputBody[] {
  const found = new Map<string, { input: InputBody; typed: string[] }>()
  for (const text of given) {
    const [, id, optional, type, value] = SPEC.exec(text) ?? []
    if (id === undefined) throw new UsageError('--input is ID, ID=VALUE, ID:TYPE or ID:TYPE=VALUE')
    const known = found.get(id)
    if (known && (type !== undefined || optional !== undefined || value === undefined))
      throw new UsageError(`--input ${id} is given twice`)
    const input = known?.input ?? {
      id,
      value: null,
      ...typeOf(type ?? 'text', id),
      ...(optional ? { required: false } : {}),
    }
    if (input.secret && value !== undefined)
      throw new GatewayError(
        'input.secret_in_argv',
        `give --input ${id}:secret without its value, which is asked for`,
      )
    const typed = [...(known?.typed ?? []), ...(value === undefined ? [] : [value])]
    found.set(id, { input, typed })
  }
  return [...found.values()].map(({ input, typed }) => ({
    ...input,
    value: typed.length === 0 ? null : givenValue(input, typed),
  }))
}

/**
 * All inputs of a definition, before anybody was asked for a value: those of `--input`, and for what else it refers to
 * a text (in arguments) or a secret (elsewhere).
 */
export function declareInputs(definition: DefinitionBody, inputs: readonly InputBody[]): InputBody[] {
  const declared = new Map(inputs.map((input) => [input.id, input]))
  const declare = (id: string, secret: boolean) => {
    if (!declared.has(id)) declared.set(id, { id, secret, value: null })
  }
  for (const argument of definition.type === 'stdio' ? definition.args : []) {
    const id = inputArgument(argument)?.id
    if (id !== undefined) declare(id, false)
  }
  for (const text of Object.values(namedTexts(definition)))
    for (const id of (piecesOf(text) ?? []).flatMap(inputsOfPiece)) declare(id, true)
  return [...declared.values()]
}

/** Where the value of a secret is looked for: `API_KEY`; for a header `X-Api-Key` also `X_API_KEY`. */
function variablesFor(id: string, definition: DefinitionBody): string[] {
  if (definition.type === 'stdio') return [id]
  const isPassword = Object.values(definition.headers).some(
    (text) => text.endsWith(`:${id}}`) && text.startsWith('${basic:'),
  )
  return isPassword ? [PASSWORD_VARIABLE] : [id, id.toUpperCase().replaceAll('-', '_')]
}

/** The value of a secret: from the environment, else asked. Throws `upstream.needs_input` when there is nobody to ask. */
export async function obtainSecret(
  input: Pick<InputBody, 'id' | 'title' | 'description' | 'required'>,
  definition: DefinitionBody,
  io: Io,
): Promise<string | null> {
  const variables = variablesFor(input.id, definition)
  for (const variable of variables) {
    const value = environmentVariable(variable)
    if (value) return value
  }
  if (io.canAsk) return askForInput({ ...input, secret: true }, io)
  if (input.required === false) return null
  throw new GatewayError(
    'upstream.needs_input',
    `${variables.at(-1) ?? input.id} is not in the environment and there is no terminal to ask on; set it and repeat`,
  )
}

/** The same inputs with values for those that have none yet. */
export async function obtainInputs(
  inputs: readonly InputBody[],
  definition: DefinitionBody,
  io: Io,
): Promise<InputBody[]> {
  const complete: InputBody[] = []
  for (const input of inputs)
    complete.push({ ...input, value: input.value ?? (await obtain(input, definition, io)) })
  return complete
}

async function obtain(input: InputBody, definition: DefinitionBody, io: Io): Promise<string | null> {
  if (input.secret) return obtainSecret(input, definition, io)
  if (input.default !== undefined) return null
  if (io.canAsk) return askForInput(input, io)
  if (input.required === false) return null
  throw new GatewayError(
    'upstream.needs_input',
    `${input.id} has no value and there is no terminal to ask on; give it with --input ${input.id}=VALUE`,
  )
}
