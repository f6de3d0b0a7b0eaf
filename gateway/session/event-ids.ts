const MOST_TAG = 96
const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** What an event id says. */
export interface EventPlace {
  /** The life of the session in memory in which the event was sent. */
  epoch: string
  stream: number
  sequence: number
  /** The id token of the request the stream answers; null when the event id does not carry it. */
  request: Uint8Array | null
}

/**
 * The part of an event id that says which request its stream answers, so that a client can be told that an answer is
 * lost although nothing of its call is known any more. Empty for id tokens that are long.
 */
export function requestTag(idToken: string): string {
  const tag = Buffer.from(idToken, 'latin1').toString('base64url')
  return tag.length <= MOST_TAG ? `-${tag}` : ''
}

/** The id of an event; `readEventId` is the way back. `tag` comes from `requestTag`. */
export const eventId = (epoch: string, stream: number, sequence: number, tag: string): string =>
  `${epoch}-${stream}-${sequence}${tag}`

/** Null for what is no event id of ours. */
export function readEventId(text: string): EventPlace | null {
  const found = /^([a-z0-9]{1,32})-(\d{1,9})-(\d{1,9})(?:-([A-Za-z0-9_-]{1,96}))?$/.exec(text)
  if (!found) return null
  const [, epoch = '', stream, sequence, tag] = found
  return { epoch, stream: Number(stream), sequence: Number(sequence), request: tag ? requestOf(tag) : null }
}

function requestOf(tag: string): Uint8Array | null {
  const token = decoder.decode(Buffer.from(tag, 'base64url'))
  try {
    const id: unknown = JSON.parse(token)
    if (token !== token.trim()) return null
    return typeof id === 'string' || Number.isSafeInteger(id) ? encoder.encode(token) : null
  } catch {
    return null
  }
}
