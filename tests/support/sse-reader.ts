// Reads an event stream piece by piece, as a client does.
import { createSseParser } from '../../gateway/wire/sse'

export interface ReadEvent {
  id: string | null
  data: string
}

export function readEvents(response: Response) {
  const events: ReadEvent[] = []
  let text = ''
  let over = false
  const decoder = new TextDecoder()
  const parser = createSseParser({
    maxEventBytes: 64 * 1024 * 1024,
    onEvent: ({ id, data }) => void events.push({ id, data: decoder.decode(data) }),
    onRetry: () => {},
  })
  const run = async () => {
    if (!response.body) return
    for await (const chunk of response.body) {
      text += decoder.decode(chunk)
      parser.push(chunk)
    }
  }
  const finished = run()
    .catch(() => {})
    .finally(() => {
      over = true
    })
  return {
    events,
    /** Messages only: events that carry data. */
    messages: () =>
      events.filter(({ data }) => data !== '').map(({ data }) => JSON.parse(data) as Record<string, unknown>),
    text: () => text,
    ended: () => over,
    finished,
  }
}
