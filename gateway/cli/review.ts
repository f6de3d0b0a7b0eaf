import type { ConsentChange } from '../domain/consent-form'
import { risks } from '../domain/risks'
import type { Definition } from '../domain/server'
import { visibleCommand, visibleText, visibleWord } from '../domain/visible-text'

/** A declared input as an approval is about it: of a secret one only that it is there. */
export interface ReviewedInput {
  id: string
  secret: boolean
  value: string | null
}

/** What differs from what was approved, one part after the other. */
const changeLines = (changes: readonly ConsentChange[]): string[] =>
  changes.flatMap(({ what, before, after }) => [
    `  changed  ${visibleText(what)}`,
    `           - ${before === null ? '(none)' : visibleWord(before)}`,
    `           + ${after === null ? '(none)' : visibleWord(after)}`,
  ])

/**
 * Everything an approval is about, in full and with nothing hidden, line by line; `changes` is what differs from what
 * was approved before.
 */
export function review(
  definition: Definition,
  source: string,
  inputs: readonly ReviewedInput[] = [],
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
  for (const { id, secret, value } of inputs)
    lines.push(`  value    ${visibleText(id)}: ${secret ? '(secret)' : visibleText(value ?? '(not set)')}`)
  lines.push(`  from     ${visibleText(source)}`)
  for (const risk of risks(definition)) lines.push(`  notice   ${visibleNotice(risk)}`)
  return [...lines, ...changeLines(changes ?? [])]
}

/** Notices hide nothing already; what is left to escape would be a mistake of ours. */
const visibleNotice = (risk: string): string => risk.replace(/[^\x20-\x7e…]/gu, (found) => visibleText(found))
