import type { UpstreamRequest } from '../router/ports'
import type { Edit } from '../wire/envelope'
import { splice } from '../wire/splice'
import { encodeUtf8 } from '../wire/text'

/**
 * The client's message with the connection's id and, where progress was asked for, its token in their places, the
 * router's edits, and those of the era.
 */
export function readdress(
  { message, edits, progressToken }: UpstreamRequest,
  id: number,
  more: readonly Edit[] = [],
): Uint8Array {
  const number = encodeUtf8(String(id))
  const all: Edit[] = [...edits, ...more]
  if (message.id) all.push({ start: message.id.start, end: message.id.end, with: number })
  if (progressToken) all.push({ start: progressToken.start, end: progressToken.end, with: number })
  return splice(
    message.bytes,
    all.sort((a, b) => a.start - b.start),
  )
}
