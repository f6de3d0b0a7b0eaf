import type { Feature, Hints } from './feature'

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
  if (hintNames.every((hint) => stated(hint) === null)) return null
  return {
    readOnly: stated('readOnly') ?? unstated.readOnly,
    destructive: stated('destructive') ?? unstated.destructive,
    idempotent: stated('idempotent') ?? unstated.idempotent,
    openWorld: stated('openWorld') ?? unstated.openWorld,
  }
}

/** The names hints have in rules. */
export const hintNames = Object.keys(members) as (keyof Hints)[]

/**
 * What a rule of a Feature Set takes a hint of a tool for; null for what is no tool. A tool that only reads destroys
 * nothing and does no harm twice: the specification gives those two hints no meaning for it. Of a tool without hints the worst is
 * supposed, which is what the specification does too, until a person accepted it: then it counts as not destructive.
 */
export function hintOf({ kind, pin }: Pick<Feature, 'kind' | 'pin'>, hint: keyof Hints): boolean | null {
  if (kind !== 'tool') return null
  const hints = pin?.hints ?? null
  if (!hints) return hint === 'destructive' ? !pin?.acceptedByPerson : unstated[hint]
  if (hint === 'destructive') return hints.destructive && !hints.readOnly
  if (hint === 'idempotent') return hints.idempotent || hints.readOnly
  return hints[hint]
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
