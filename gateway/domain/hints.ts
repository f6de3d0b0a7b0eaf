import type { Hints } from './feature'

/** What each hint of a tool is called where the tool states it (MCP 2025-11-25, `ToolAnnotations`). */
const members = {
  readOnly: 'readOnlyHint',
  destructive: 'destructiveHint',
  idempotent: 'idempotentHint',
  openWorld: 'openWorldHint',
} as const satisfies Record<keyof Hints, string>

/** What the specification says of a tool that states other hints, but not this one. */
const unstated: Hints = { readOnly: false, destructive: true, idempotent: false, openWorld: true }

/**
 * The hints a tool gives in its `annotations`, those it leaves out as the specification has them. null when it states
 * none, or `descriptor` is no JSON object. A claim of the server, never a fact.
 */
export function readHints(descriptor: string): Hints | null {
  const annotations = memberOf(parsed(descriptor), 'annotations')
  const stated = (hint: keyof Hints): boolean | null => {
    const value = memberOf(annotations, members[hint])
    return typeof value === 'boolean' ? value : null
  }
  const hints = Object.keys(members) as (keyof Hints)[]
  if (hints.every((hint) => stated(hint) === null)) return null
  return {
    readOnly: stated('readOnly') ?? unstated.readOnly,
    destructive: stated('destructive') ?? unstated.destructive,
    idempotent: stated('idempotent') ?? unstated.idempotent,
    openWorld: stated('openWorld') ?? unstated.openWorld,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}
