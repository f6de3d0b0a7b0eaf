import { createSseParser } from '../wire/sse'
import { type AdminClient, toRemoteError } from './client'

/** Bytes of the longest event that is read. */
const LONGEST_EVENT = 4 * 1024 * 1024

export interface StreamEvent {
  type: string | null
  data: string
}

// Not through the typed client: it takes every text that looks like a date for one.
/** An answer whose body is for the caller to read. Throws what the daemon said. */
export async function ask(
  admin: AdminClient,
  path: string,
  query: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const search = new URLSearchParams(query).toString()
  const answer = await admin.fetch(search === '' ? path : `${path}?${search}`, signal ? { signal } : {})
  if (!answer.ok) throw toRemoteError(await answer.json())
  return answer
}

/** The events of a live view until it ends; a reader that stops ends it. */
export async function* eventsOf(answer: Response): AsyncGenerator<StreamEvent, void, undefined> {
  let waiting: StreamEvent[] = []
  const decoder = new TextDecoder()
  const parser = createSseParser({
    maxEventBytes: LONGEST_EVENT,
    onEvent: ({ type, data }) => void waiting.push({ type, data: decoder.decode(data) }),
    onRetry: () => undefined,
  })
  for await (const chunk of answer.body ?? []) {
    parser.push(chunk)
    const now = waiting
    waiting = []
    yield* now
  }
}
