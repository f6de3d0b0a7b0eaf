import type { Edit, Span } from './envelope'
import { entries } from './members'
import { spells } from './text'

const nothing = new Uint8Array(0)
const COMMA = 0x2c

/**
 * Edits that take every member with one of these keys (ASCII) out of an object and put `added` (`"key":value` pairs with
 * commas between them, empty for none) in at its start. What else is in the object stays byte for byte, white space
 * included.
 */
export function changeMembers(
  bytes: Uint8Array,
  object: Span,
  dropped: readonly string[],
  added: Uint8Array = nothing,
): Edit[] {
  const all = entries(bytes, object)
  const goes = all.map(({ key }) => dropped.some((name) => spells(bytes, key.start, key.end, name)))
  if (added.length === 0) {
    if (!goes.includes(true)) return []
    const [first, last] = [all[0], all.at(-1)]
    if (first && last && !goes.includes(false))
      return [{ start: first.key.start, end: last.value.end, with: nothing }]
  }
  const edits: Edit[] = []
  if (added.length > 0) {
    const at = object.start + 1
    edits.push({ start: at, end: at, with: goes.includes(false) ? withComma(added) : added })
  }
  let kept = false
  for (const [place, { key, value }] of all.entries()) {
    if (!goes[place]) {
      kept = true
      continue
    }
    // The comma in front goes along, or the one behind when nothing is left in front.
    const start = kept ? (all[place - 1]?.value.end ?? key.start) : key.start
    const end = kept ? value.end : (all[place + 1]?.key.start ?? value.end)
    edits.push({ start, end, with: nothing })
  }
  return edits
}

function withComma(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 1)
  out.set(bytes)
  out[bytes.length] = COMMA
  return out
}
