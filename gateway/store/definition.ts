import type { Definition } from '../domain/server'

const isText = (value: unknown): value is string => typeof value === 'string'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTextRecord = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.values(value).every(isText)

/** A stored definition, or null when the text is not one. Members it does not know are left out. */
export function parseDefinition(text: string): Definition | null {
  const value = parse(text)
  if (!isRecord(value)) return null
  if (value.type === 'stdio') {
    const { command, args, env, cwd } = value
    if (!isText(command) || !Array.isArray(args) || !args.every(isText) || !isTextRecord(env)) return null
    if (cwd !== null && !isText(cwd)) return null
    return { type: 'stdio', command, args, env, cwd }
  }
  if (value.type === 'http' || value.type === 'sse') {
    const { url, headers } = value
    return isText(url) && isTextRecord(headers) ? { type: value.type, url, headers } : null
  }
  return null
}

/** What `parseDefinition` reads back, and nothing else. */
export const definitionText = (definition: Definition): string =>
  definition.type === 'stdio'
    ? JSON.stringify({
        type: definition.type,
        command: definition.command,
        args: definition.args,
        env: definition.env,
        cwd: definition.cwd,
      })
    : JSON.stringify({ type: definition.type, url: definition.url, headers: definition.headers })

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
