import type { Edit, Span } from './envelope'
import { encodeUtf8 } from './text'

/** The edit that gives an object more members, in front of its own; `members` is JSON without the braces. */
export function insertMembers(bytes: Uint8Array, object: Span, members: string): Edit {
  const at = object.start + 1
  let next = at
  while ((bytes[next] ?? 0x7d) <= 0x20) next++
  return { start: at, end: at, with: encodeUtf8(bytes[next] === 0x7d ? members : `${members},`) }
}
