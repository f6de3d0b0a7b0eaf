import { isAbsolute } from 'node:path'
import type { EraChoice } from '../domain/era'
import { argumentsProblem, textsProblem, type RuleProblem } from '../domain/reference-rules'
import { refers } from '../domain/references'
import type { Definition } from '../domain/server'
import { declarationProblem, inputProblem, type ServerInput } from '../domain/server-input'
import { GatewayError } from '../errors'

const invalid = (detail: string) => new GatewayError('input.invalid', detail)

function checkUrl(text: string): void {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw invalid('the URL cannot be read; give it in full, such as https://example.org/mcp')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid('the URL must start with http:// or https://')
  if (url.username !== '' || url.password !== '')
    throw invalid('a URL may not carry a user name or password; give it as a header')
}

/** Throws `input.invalid` for an era the transport does not have. */
export function checkEra({ type }: Definition, era: EraChoice | undefined): void {
  if (type === 'sse' && era === 'modern')
    throw invalid('the SSE transport ended with the older era; give the address of Streamable HTTP')
}

/** References work in environment, headers and arguments; anywhere else they would be taken for what they are not. */
function checkPlainTexts(definition: Definition): void {
  const texts =
    definition.type === 'stdio'
      ? { command: definition.command, folder: definition.cwd ?? '' }
      : { URL: definition.url }
  for (const [what, text] of Object.entries(texts))
    if (refers(text)) throw invalid(`the ${what} cannot refer to a value`)
}

/**
 * What the schema cannot say: URLs without passwords, absolute folders, secrets only by reference and never in an
 * argument, and every `${input:ID}` declared once and used. Throws `input.invalid` or `input.secret_in_argv`, naming
 * fields, never values.
 */
export function checkDefinition(definition: Definition, inputs: readonly ServerInput[]): void {
  if (definition.type !== 'stdio') checkUrl(definition.url)
  else if (definition.cwd !== null && !isAbsolute(definition.cwd))
    throw invalid('the folder must be an absolute path')
  checkPlainTexts(definition)

  const declared = new Map(inputs.map((input) => [input.id, input]))
  if (declared.size !== inputs.length) throw invalid('an input is declared twice')
  const used = new Set<string>()
  const problem: RuleProblem | null =
    textsProblem(definition, declared, used) ?? argumentsProblem(definition, declared, used)
  if (problem) throw new GatewayError(problem.inArgv ? 'input.secret_in_argv' : 'input.invalid', problem.what)
  for (const id of declared.keys()) if (!used.has(id)) throw invalid('an input is declared but not used')
  for (const input of inputs) {
    const wrong = declarationProblem(input)
    if (wrong !== null) throw invalid(`the input ${input.id} ${wrong}`)
    if (input.default !== undefined)
      checkInputValues(definition, inputs, [{ id: input.id, value: input.default }])
  }
}

/** Throws `input.invalid` for values that do not fit their inputs. */
export function checkInputValues(
  definition: Definition,
  inputs: readonly ServerInput[],
  values: readonly { id: string; value: string | null }[],
): void {
  for (const { id, value } of values) {
    const input = inputs.find((one) => one.id === id)
    if (!input) throw invalid('the server declares no such input')
    if (value === null) continue
    const wrong = inputProblem(input, value)
    if (wrong !== null) throw invalid(`the value of ${id} ${wrong}`)
    // They may not break out of a header (RFC 9110 section 5.5).
    if (definition.type !== 'stdio' && /[\r\n]/.test(value))
      throw invalid('a header value may not contain line breaks')
    if (value.includes(':') && isUserOfBasic(definition, id))
      throw invalid(`the value of ${id} is a user name, which cannot have a colon`)
  }
}

/** RFC 7617 section 2: what is behind the first colon would become part of the password. */
const isUserOfBasic = (definition: Definition, id: string): boolean =>
  definition.type !== 'stdio' &&
  Object.values(definition.headers).some((text) => text.startsWith(`\${basic:${id}:`))
