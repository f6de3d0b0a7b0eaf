import type { Exchange } from '../domain/exchange'
import type { Envelope } from '../wire/envelope'
import { elements, member, rawOf } from '../wire/members'
import { decodeUtf8, textOf } from '../wire/text'

/** So many pages a server sent its clients to are remembered; a hostile one must not fill the memory. */
const MOST = 256
const URL_ELICITATION_REQUIRED = '-32042'

/**
 * Who was sent to which web page, by `elicitationId`: `notifications/elicitation/complete` comes outside any call and
 * names nobody (MCP 2025-11-25, elicitation in URL mode).
 */
export interface Completions {
  expect(elicitationId: string, conversation: string): void
  /** Remembers the pages in a `URLElicitationRequiredError`; any other error is none of its business. */
  read(answer: Envelope, exchange: Exchange): void
  /** The conversation a completion belongs to, which is forgotten then; null when nobody waits for it. */
  take(message: Envelope): string | null
}

export function createCompletions(): Completions {
  const waiting = new Map<string, string>()

  function expect(elicitationId: string, conversation: string): void {
    const [oldest] = waiting.keys()
    if (waiting.size >= MOST && oldest !== undefined) waiting.delete(oldest)
    waiting.set(elicitationId, conversation)
  }

  return {
    expect,
    read({ bytes, error }, { conversation }) {
      const code = error && member(bytes, error, 'code')
      if (!error || !code || conversation === null) return
      if (decodeUtf8(rawOf(bytes, code)) !== URL_ELICITATION_REQUIRED) return
      const data = member(bytes, error, 'data')
      const list = data && member(bytes, data, 'elicitations')
      for (const one of list ? elements(bytes, list) : []) {
        const span = member(bytes, one, 'elicitationId')
        const id = span && textOf(bytes, span)
        if (id) expect(id, conversation)
      }
    },
    take({ bytes, params }) {
      const span = params && member(bytes, params, 'elicitationId')
      const id = span && textOf(bytes, span)
      const conversation = id ? waiting.get(id) : undefined
      if (!id || conversation === undefined) return null
      waiting.delete(id)
      return conversation
    },
  }
}
