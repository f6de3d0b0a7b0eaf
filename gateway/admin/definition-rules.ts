import { isAbsolute } from 'node:path'
import type { EraChoice } from '../domain/era'
import { type Definition, inputReference, type ServerInput } from '../domain/server'
import { decidesCode } from '../domain/risks'
import { carriesPassword, looksSecret } from '../domain/secret-names'
import { GatewayError } from '../errors'

const invalid = (detail: string) => new GatewayError('input.invalid', detail)

function checkUrl(text: string): void {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw invalid('the URL cannot be read')
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

/** Env values or headers of a definition: name to text. */
const namedValues = (definition: Definition): Readonly<Record<string, string>> =>
  definition.type === 'stdio' ? definition.env : definition.headers

/**
 * What the schema cannot say: URLs without passwords, absolute folders, secrets only by reference, and every
 * `${input:ID}` declared once and used. Throws `input.invalid` naming fields, never values.
 */
export function checkDefinition(
  definition: Definition,
  inputs: readonly Pick<ServerInput, 'id' | 'secret'>[],
): void {
  if (definition.type !== 'stdio') checkUrl(definition.url)
  else if (definition.cwd !== null && !isAbsolute(definition.cwd))
    throw invalid('the folder must be an absolute path')

  const declared = new Map(inputs.map((input) => [input.id, input]))
  if (declared.size !== inputs.length) throw invalid('an input is declared twice')
  const used = new Set<string>()
  for (const [name, text] of Object.entries(namedValues(definition))) {
    const id = inputReference(text)
    if (id === null) {
      if (text.includes('${input:'))
        throw invalid(`the value of "${name}" must be an input alone, not a part of a text`)
      if (looksSecret(name) || carriesPassword(text))
        throw invalid(`"${name}" looks like a secret: give it as a secret input`)
      continue
    }
    const input = declared.get(id)
    if (!input) throw invalid(`the value of "${name}" refers to an input that is not declared`)
    // A secret may change after the consent, and is not shown for it.
    if (input.secret && definition.type === 'stdio' && decidesCode(name))
      throw invalid(`"${name}" decides which code runs, so its value must be seen: it cannot be secret`)
    if (!input.secret && looksSecret(name)) throw invalid(`the input of "${name}" must be secret`)
    used.add(id)
  }
  for (const id of declared.keys()) if (!used.has(id)) throw invalid('an input is declared but not used')
}

/** Values of inputs that go into headers may not break out of them (RFC 9110 section 5.5). */
export function checkInputValues(
  definition: Definition,
  values: readonly { id: string; value: string | null }[],
): void {
  if (definition.type === 'stdio') return
  if (values.some(({ value }) => value !== null && /[\r\n]/.test(value)))
    throw invalid('a header value may not contain line breaks')
}
