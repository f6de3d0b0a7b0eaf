import type { Definition, Server } from './server'
import { type ServerInput, valueOf } from './server-input'

/** Everything an approval is about: what decides what runs or is called. */
export interface ConsentForm {
  spaceId: string
  source: string
  definition: Definition
  /** By id. Secret inputs count by reference, the others with the value they come to. */
  inputs: Readonly<Record<string, ApprovedInput>>
}

type ApprovedInput = { secret: true } | { secret: false; value: string | null; multiple?: true }

const approvedInput = (input: Omit<ServerInput, 'id'>): ApprovedInput =>
  input.secret
    ? { secret: true }
    : { secret: false, value: valueOf(input), ...(input.multiple ? { multiple: true } : {}) }

export const consentForm = ({
  spaceId,
  source,
  definition,
  inputs,
}: Pick<Server, 'spaceId' | 'source' | 'definition' | 'inputs'>): ConsentForm => ({
  spaceId,
  source,
  definition,
  inputs: Object.fromEntries(inputs.map((input) => [input.id, approvedInput(input)])),
})

/** One part of what would run that is not what was approved; raw text, not safe for a terminal. */
export interface ConsentChange {
  /** `command`, `argument 2`, `environment NAME`, `folder`, `url`, `header NAME`, `value ID`, `values ID`, `from`, `Space`, `transport`. */
  what: string
  /** null where it was not there before. */
  before: string | null
  /** null where it is not there any more. */
  after: string | null
}

/** Every difference between two forms, in the order of their parts; empty when they are the same. */
export function consentChanges(before: ConsentForm, after: ConsentForm): ConsentChange[] {
  const [old, now] = [partsOf(before), partsOf(after)]
  const changes: ConsentChange[] = []
  const differ = (what: string, was: string | undefined, is: string | undefined) => {
    if (was !== is) changes.push({ what, before: was ?? null, after: is ?? null })
  }
  for (const what of ['transport', 'command']) differ(what, old.get(what), now.get(what))
  changes.push(...argumentChanges(argumentsOf(before), argumentsOf(after)))
  for (const what of new Set([...old.keys(), ...now.keys()]))
    if (what !== 'transport' && what !== 'command') differ(what, old.get(what), now.get(what))
  return changes
}

const argumentsOf = ({ definition }: ConsentForm): readonly string[] =>
  definition.type === 'stdio' ? definition.args : []

function partsOf({ spaceId, source, definition, inputs }: ConsentForm): Map<string, string> {
  const parts: [string, string][] = [['transport', definition.type]]
  if (definition.type === 'stdio') {
    parts.push(['command', definition.command])
    if (definition.cwd !== null) parts.push(['folder', definition.cwd])
    for (const [name, text] of Object.entries(definition.env)) parts.push([`environment ${name}`, text])
  } else {
    parts.push(['url', definition.url])
    for (const [name, text] of Object.entries(definition.headers)) parts.push([`header ${name}`, text])
  }
  for (const [id, input] of Object.entries(inputs))
    parts.push([
      `${!input.secret && input.multiple ? 'values' : 'value'} ${id}`,
      input.secret ? '(secret)' : (input.value ?? '(not set)'),
    ])
  parts.push(['from', source], ['Space', spaceId])
  return new Map(parts)
}

/** Arguments between those that are the same at both ends, told by their place now, or before where they are gone. */
function argumentChanges(before: readonly string[], after: readonly string[]): ConsentChange[] {
  let from = 0
  while (from < before.length && from < after.length && before[from] === after[from]) from++
  let [oldEnd, newEnd] = [before.length, after.length]
  while (oldEnd > from && newEnd > from && before[oldEnd - 1] === after[newEnd - 1]) {
    oldEnd--
    newEnd--
  }
  return Array.from({ length: Math.max(oldEnd, newEnd) - from }, (_, i) => {
    const at = from + i
    return {
      what: `argument ${at + 1}`,
      before: at < oldEnd ? (before[at] ?? null) : null,
      after: at < newEnd ? (after[at] ?? null) : null,
    }
  }).filter((change) => change.before !== change.after)
}
