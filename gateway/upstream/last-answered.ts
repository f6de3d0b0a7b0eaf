const KEPT = 64

/** Whose the calls were that were answered last: where a call has a stream, that may go on behind the answer. */
export interface LastAnswered {
  add(id: number, conversation: string | null): void
  /** Undefined for one that is not known any more. */
  conversationOf(id: number): string | null | undefined
}

export function createLastAnswered(): LastAnswered {
  const ids = new Array<number>(KEPT).fill(-1)
  const conversations = new Array<string | null>(KEPT).fill(null)
  let next = 0
  return {
    add(id, conversation) {
      ids[next] = id
      conversations[next] = conversation
      next = (next + 1) % KEPT
    },
    conversationOf(id) {
      const at = ids.indexOf(id)
      return at < 0 ? undefined : conversations[at]
    },
  }
}
