import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { inputProblem, type ServerInput } from '../domain/server-input'
import { visibleText } from '../domain/visible-text'
import { environmentVariable } from '../config'
import { GatewayError } from '../errors'
import type { Io } from './io'
import { safe } from './output'
import { UsageError } from './usage'

type Asked = Omit<ServerInput, 'value'>

/** What a person typed, as a value: a path is meant from where the person stands, and the gateway stands elsewhere. */
export function typedValue({ type }: Pick<ServerInput, 'type'>, typed: string): string {
  if (typed === '' || (type !== 'file' && type !== 'folder')) return typed
  return typed === '~' || typed.startsWith('~/') ? join(homedir(), typed.slice(1)) : resolve(typed)
}

/** Values given on a command line for one input. Throws a UsageError that says what they must be. */
export function givenValue(input: Asked, typed: readonly string[]): string {
  const values = typed.map((one) => typedValue(input, one))
  if (values.length > 1 && !input.multiple) throw new UsageError(`${input.id} takes one value`)
  const value = values.join('\n')
  const problem = inputProblem(input, value)
  if (problem !== null)
    throw new UsageError(`the value of ${visibleText(input.id)} ${problem}${choicesOf(input)}`)
  return value
}

const choicesOf = ({ choices = [] }: Pick<ServerInput, 'choices'>): string =>
  choices.length === 0 ? '' : `: ${choices.map(visibleText).join(', ')}`

/** What may be given, in words: `(number from 1 to 5)`, `(folder, may be left out)`; empty for any text. */
export function typeWords({ type = 'text', choices, min, max, multiple, required }: Asked): string {
  const bounds = [...(min === undefined ? [] : [`from ${min}`]), ...(max === undefined ? [] : [`to ${max}`])]
  const one = type === 'choice' ? (choices ?? []).map(visibleText).join('|') : [type, ...bounds].join(' ')
  const words = [
    ...(type === 'text' ? [] : [one]),
    ...(multiple ? ['several'] : []),
    ...(required === false ? ['may be left out'] : []),
  ]
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

/** Title and description as its author wrote them, safe for a terminal; null for none. */
export function aboutInput({
  title,
  description,
}: Pick<ServerInput, 'title' | 'description'>): string | null {
  const words = [title, description].filter((text) => text !== undefined && text.trim() !== '')
  return words.length === 0 ? null : words.map((text) => safe(text ?? '')).join(': ')
}

const gaveUp = (id: string) => new GatewayError('upstream.needs_input', id)

/** Asks for a value until it fits. Null where it may be left out and was; throws `upstream.needs_input` else. */
export async function askForInput(input: Asked, io: Io): Promise<string | null> {
  const about = aboutInput(input)
  if (about !== null) io.talk(`  ${about}`)
  if (input.secret) {
    const answer = await io.askHidden(`Value of ${input.id} (not shown)`)
    if (!answer && input.required !== false) throw gaveUp(input.id)
    return answer || null
  }
  if (input.type === 'choice')
    for (const [at, choice] of (input.choices ?? []).entries()) io.talk(`  ${at + 1}  ${visibleText(choice)}`)
  const values: string[] = []
  for (;;) {
    const typed = await io.ask(`Value of ${input.id}${typeWords(input)}`)
    if (typed === null) throw gaveUp(input.id)
    if (typed === '') {
      if (values.length > 0) return values.join('\n')
      if (input.required === false || input.default !== undefined) return null
      throw gaveUp(input.id)
    }
    const value = meant(input, typed)
    const problem = inputProblem(input, value)
    if (problem !== null) io.talk(`  it ${problem}`)
    else if (!input.multiple) return value
    else values.push(value)
  }
}

/** An answer in its short form: a number of the list, `y`, `n`. */
function meant(input: Asked, typed: string): string {
  const word = typed.trim()
  if (input.type === 'boolean') {
    if (/^(y|yes)$/i.test(word)) return 'true'
    return /^(n|no)$/i.test(word) ? 'false' : word.toLowerCase()
  }
  if (input.type === 'choice' && !input.choices?.includes(typed) && /^\d{1,4}$/.test(word))
    return input.choices?.[Number(word) - 1] ?? typed
  return typedValue(input, input.type === undefined || input.type === 'text' ? typed : word)
}

/** A secret a person gives by itself: from a variable, typed without echo, or all of standard input. */
export async function readSecret(io: Io, name: string, variable: string | undefined): Promise<string> {
  if (variable !== undefined) {
    const value = environmentVariable(variable)
    if (!value) throw new GatewayError('upstream.needs_input', `${variable} is not in the environment`)
    return value
  }
  const value = io.canAsk
    ? await io.askHidden(`Value of ${name} (not shown)`)
    : new TextDecoder().decode(await io.readInput()).replace(/\r?\n$/, '')
  if (!value) throw new GatewayError('input.invalid', 'no value was given')
  return value
}
