import { inputReference, type Server } from '../domain/server'
import type { HeldSecrets } from '../secrets/held-secrets'
import type { Secret } from '../secrets/secret'

/** The values a definition asks for, in place; `missing` names inputs that have none. */
export interface ResolvedValues {
  values: Record<string, string | Secret>
  missing: string[]
}

/** Fills the environment (stdio) or headers (remote) of a server. Secrets stay wrapped. */
export function resolveValues(server: Server, held: HeldSecrets): ResolvedValues {
  const template = server.definition.type === 'stdio' ? server.definition.env : server.definition.headers
  const values: Record<string, string | Secret> = {}
  const missing: string[] = []
  for (const [name, text] of Object.entries(template)) {
    const id = inputReference(text)
    if (id === null) {
      values[name] = text
      continue
    }
    const input = server.inputs.find((candidate) => candidate.id === id)
    const value = input?.secret ? held.get(server.id, id) : (input?.value ?? null)
    if (value === null) missing.push(id)
    else values[name] = value
  }
  return { values, missing }
}
