import type { Definition } from '../domain/server'
import { risks } from '../domain/risks'
import { looksSecret } from '../domain/secret-names'
import { visibleCommand, visibleText, visibleWord } from '../domain/visible-text'

function openSecrets(definition: Definition): string[] {
  if (definition.type === 'stdio') {
    const words = definition.args.filter((word, at) => {
      const option = /^--?([A-Za-z][A-Za-z0-9_-]*)(=.*)?$/.exec(word)
      const hasValue = option?.[2] !== undefined || /^[^-]/.test(definition.args[at + 1] ?? '')
      return option?.[1] !== undefined && hasValue && looksSecret(option[1])
    })
    return words.map(
      (word) =>
        `"${visibleText(word.split('=')[0] ?? '')}": a secret in arguments can be read by every program`,
    )
  }
  const names = URL.canParse(definition.url) ? [...new URL(definition.url).searchParams.keys()] : []
  return names
    .filter(looksSecret)
    .map((name) => `"${visibleText(name)}": a secret in a URL ends in logs; a header is better`)
}

/** Everything an approval is about, in full and with nothing hidden, line by line. */
export function review(definition: Definition, source: string): string[] {
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
  lines.push(`  from     ${source}`)
  for (const risk of [...risks(definition), ...openSecrets(definition)])
    lines.push(`  notice   ${visibleText(risk)}`)
  return lines
}
