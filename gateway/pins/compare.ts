import type { Hints } from '../domain/feature'
import { hidesText } from '../domain/hidden-text'
import { readHints } from '../domain/hints'
import type { PinnedKind, PinReason } from '../domain/pins'
import { canonical, type Json, parseJson, stringsOf } from './json'

/** A definition as JSON; instructions are a text and nothing else, and so is a stored row that was damaged. */
export function toJson(kind: PinnedKind, definition: string): Json {
  try {
    if (kind !== 'instructions') return parseJson(definition)
  } catch {
    // Falls through: it is the text it is.
  }
  return { type: 'text', text: definition }
}

/** The pin: SHA-256 (hex) over the canonical JSON of the whole definition. */
export const digestOf = (kind: PinnedKind, definition: string): string =>
  new Bun.CryptoHasher('sha256').update(canonical(toJson(kind, definition))).digest('hex')

/** Whether a definition that nobody knew before says something a person does not see. */
export const hidesSomething = (kind: PinnedKind, definition: string): boolean =>
  [...stringsOf(toJson(kind, definition))].some(hidesText)

/**
 * What is to be said of a definition that comes where another one was accepted. Empty when both mean the same: the order
 * of members, space between them and the spelling of strings do not count, every other byte does.
 */
export function compare(kind: PinnedKind, accepted: string, current: string): PinReason[] {
  if (accepted === current) return []
  const before = toJson(kind, accepted)
  const after = toJson(kind, current)
  if (canonical(before) === canonical(after)) return []
  const reasons: PinReason[] = []
  const known = new Set(stringsOf(before))
  for (const text of stringsOf(after))
    if (!known.has(text) && hidesText(text)) {
      reasons.push('hidden_text')
      break
    }
  if (kind === 'tool' && isWeaker(readHints(accepted), readHints(current))) reasons.push('weaker_hints')
  if (requiresMore(kind, before, after)) reasons.push('required_added')
  if (kind === 'instructions') reasons.push('instructions')
  return reasons.length > 0 ? reasons : ['other']
}

/** What the specification has of a tool that states nothing (MCP 2025-11-25, `ToolAnnotations`). */
const unstated: Hints = { readOnly: false, destructive: true, idempotent: false, openWorld: true }

function isWeaker(stated: Hints | null, now: Hints | null): boolean {
  const before = stated ?? unstated
  const after = now ?? unstated
  return (
    (before.readOnly && !after.readOnly) ||
    (!before.destructive && after.destructive) ||
    (before.idempotent && !after.idempotent) ||
    (!before.openWorld && after.openWorld)
  )
}

/** Every required argument, as often as it is required. */
function requiresMore(kind: PinnedKind, before: Json, after: Json): boolean {
  const required = kind === 'tool' ? requiredByTool : kind === 'prompt' ? requiredByPrompt : null
  if (!required) return false
  const left = new Map<string, number>()
  for (const name of required(before)) left.set(name, (left.get(name) ?? 0) + 1)
  for (const name of required(after)) {
    const times = left.get(name) ?? 0
    if (times === 0) return true
    left.set(name, times - 1)
  }
  return false
}

const membersOf = (json: Json, key: string): Json[] =>
  json.type === 'object' ? json.members.filter(([name]) => name === key).map(([, value]) => value) : []

/** Wherever in the schema: a requirement can come by `allOf` or a definition as well as at the top. */
const requiredByTool = (tool: Json): string[] =>
  membersOf(tool, 'inputSchema').flatMap((schema) => [...requiredIn(schema, '')])

function* requiredIn(schema: Json, path: string): Generator<string> {
  if (schema.type === 'array') for (const item of schema.items) yield* requiredIn(item, path)
  if (schema.type !== 'object') return
  for (const [key, value] of schema.members) {
    const here = `${path}/${key}`
    if (key === 'required' && value.type === 'array')
      for (const item of value.items) yield `${here} ${canonical(item)}`
    else if (key === 'dependentRequired') for (const text of stringsOf(value)) yield `${here} ${text}`
    else yield* requiredIn(value, here)
  }
}

const requiredByPrompt = (prompt: Json): string[] =>
  membersOf(prompt, 'arguments')
    .flatMap((list) => (list.type === 'array' ? list.items : []))
    .filter((argument) =>
      membersOf(argument, 'required').some((flag) => flag.type === 'atom' && flag.raw === 'true'),
    )
    .flatMap((argument) => membersOf(argument, 'name').map(canonical))
