import { commandRisks, decidesCode as decides, environmentRisks } from './command-risks'
import { hidesText } from './hidden-text'
import { inputArgument } from './references'
import { looksSecret } from './secret-names'
import type { Definition, RemoteDefinition } from './server'
import { type ServerInput, valueOf, valuesIn } from './server-input'
import { visibleText } from './visible-text'

/** Whether this environment variable decides which code a program runs, as much as its command line does. */
export const decidesCode = decides

/** An address of this machine, where nothing is on the way. */
const staysHere = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?([/?#]|$)/i

function remoteRisks({ url, headers }: RemoteDefinition): string[] {
  const found: string[] = []
  if (url.startsWith('http:') && !staysHere.test(url))
    found.push('"http:": what is sent can be read on the way')
  const host = URL.canParse(url) ? new URL(url).hostname : ''
  if (/(^|\.)xn--/.test(host)) found.push(`"${host}": a name with letters that can look like others`)
  if ([url, ...Object.values(headers)].some(hidesText)) found.push('it has characters that are not seen')
  const names = URL.canParse(url) ? [...new URL(url).searchParams.keys()] : []
  for (const name of names)
    if (looksSecret(name))
      found.push(`"${visibleText(name)}": a secret in a URL ends in logs; a header is better`)
  return found
}

/**
 * What a person should notice before approving a definition, in words that name it and hide nothing; empty when nothing
 * stands out. A hint and no wall: a harmless looking command can do everything too.
 */
export function risks(definition: Definition, inputs: readonly ServerInput[] = []): string[] {
  if (definition.type !== 'stdio') return remoteRisks(definition)
  const { command, args, env } = definition
  const filled = args.flatMap((argument) => filledArgument(argument, inputs))
  return [...new Set([...commandRisks([command, ...filled]), ...environmentRisks(env)])]
}

/** An argument as the program gets it, as far as that is known. */
function filledArgument(argument: string, inputs: readonly ServerInput[]): string[] {
  const stands = inputArgument(argument)
  const input = stands && inputs.find(({ id }) => id === stands.id)
  const value = input && !input.secret ? valueOf(input) : null
  if (!stands || value === null) return [argument]
  return valuesIn(value, input?.multiple).flatMap((one) =>
    stands.option === null ? [one] : [stands.option, one],
  )
}
