import type { ConsentChange } from '../domain/consent-form'
import { referredNames } from '../domain/references'
import { risks } from '../domain/risks'
import type { Definition } from '../domain/server'
import { type ServerInput, valueOf, valuesIn } from '../domain/server-input'
import { visibleCommand, visibleText, visibleWord } from '../domain/visible-text'
import { aboutInput, typeWords } from './typed-value'

/** Several values are told apart: one with a comma and a space in it is quoted. */
const visibleValue = (value: string, multiple: boolean | undefined): string =>
  multiple ? valuesIn(value, true).map(visibleWord).join(', ') : visibleText(value)

/** Values as an approval is about them: of a secret one only that it is there. */
function valueLines(input: ServerInput): string[] {
  const value = valueOf(input)
  const absent = input.required === false ? '(left out)' : '(not set)'
  const shown = input.secret ? '(secret)' : value === null ? absent : visibleValue(value, input.multiple)
  const about = aboutInput(input)
  return [
    `  value    ${visibleText(input.id)}${typeWords(input)}: ${shown}`,
    ...(about === null ? [] : [`           ${about}`]),
  ]
}

/** What is taken from elsewhere each time the server starts. */
function takenLines(definition: Definition): string[] {
  const { env, secrets } = referredNames(definition)
  return [
    ...env.map((name) => `  takes    ${name} from the environment of McpMux, as a secret`),
    ...secrets.map((name) => `  takes    the secret ${name} of the Space`),
  ]
}

/** What differs from what was approved, one part after the other. */
const changeLines = (changes: readonly ConsentChange[]): string[] =>
  changes.flatMap(({ what, before, after }) => {
    const multiple = what.startsWith('values ')
    const shown = (part: string | null) => {
      if (part === null) return '(none)'
      return multiple ? visibleValue(part, true) : visibleWord(part)
    }
    return [
      `  changed  ${visibleText(what)}`,
      `           - ${shown(before)}`,
      `           + ${shown(after)}`,
    ]
  })

/**
 * Everything an approval is about, in full and with nothing hidden, line by line; `changes` is what differs from what
 * was approved before.
 */
export function review(
  definition: Definition,
  source: string,
  inputs: readonly ServerInput[] = [],
  changes: readonly ConsentChange[] | null = null,
): string[] {
  const lines: string[] = []
  if (definition.type === 'stdio') {
    lines.push('This will run on your computer, with your rights:')
    lines.push(`  command  ${visibleCommand([definition.command, ...definition.args])}`)
    if (definition.cwd !== null) lines.push(`  folder   ${visibleWord(definition.cwd)}`)
    for (const [name, text] of Object.entries(definition.env))
      lines.push(`  env      ${visibleText(name)}=${visibleText(text)}`)
  } else {
    lines.push('This server will be called:')
    lines.push(`  ${definition.type.padEnd(7)}  ${visibleText(definition.url)}`)
    for (const [name, text] of Object.entries(definition.headers))
      lines.push(`  header   ${visibleText(name)}: ${visibleText(text)}`)
  }
  lines.push(...inputs.flatMap(valueLines), ...takenLines(definition))
  lines.push(`  from     ${visibleText(source)}`)
  for (const risk of risks(definition, inputs)) lines.push(`  notice   ${visibleNotice(risk)}`)
  return [...lines, ...changeLines(changes ?? [])]
}

/** Notices hide nothing already; what is left to escape would be a mistake of ours. */
const visibleNotice = (risk: string): string => risk.replace(/[^\x20-\x7e…]/gu, (found) => visibleText(found))
