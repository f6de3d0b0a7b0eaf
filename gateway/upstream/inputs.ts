import { inputReference, type Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import type { Secret } from '../secrets/secret'
import type { ServerSecrets } from '../secrets/server-secrets'

/** The values a definition asks for, in place; `blocked` says why it cannot start, where some cannot be had. */
export interface ResolvedValues {
  values: Record<string, string | Secret>
  blocked: UpstreamState | null
}

const unreadable = (id: string): UpstreamState => ({
  status: 'failed',
  code: 'credential.unreadable',
  message: `its secret ${id} cannot be read; give it again with restart`,
  retryAt: null,
})

/** Fills the environment (stdio) or headers (remote) of a server. Secrets stay wrapped. */
export function resolveValues(server: Server, secrets: Pick<ServerSecrets, 'get'>): ResolvedValues {
  const template = server.definition.type === 'stdio' ? server.definition.env : server.definition.headers
  const values: Record<string, string | Secret> = {}
  let blocked: UpstreamState | null = null
  for (const [name, text] of Object.entries(template)) {
    const id = inputReference(text)
    if (id === null) {
      values[name] = text
      continue
    }
    const input = server.inputs.find((candidate) => candidate.id === id)
    if (!input?.secret) {
      if (input === undefined || input.value === null) blocked = { status: 'needs_input' }
      else values[name] = input.value
      continue
    }
    const stored = secrets.get(server, id)
    if (stored.state === 'present') values[name] = stored.value
    else if (stored.state === 'unreadable') blocked ??= unreadable(id)
    else if (stored.state === 'locked') blocked ??= { status: 'locked' }
    else blocked = { status: 'needs_input' }
  }
  return { values, blocked }
}
