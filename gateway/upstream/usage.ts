/** When each conversation was last heard of, over all servers. Times are monotonic milliseconds. */
export interface Usage {
  seen(conversation: string, now: number): void
  release(conversation: string): void
  activeSince(conversation: string, since: number): boolean
}

export function createUsage(): Usage {
  const last = new Map<string, number>()
  return {
    seen: (conversation, now) => void last.set(conversation, now),
    release: (conversation) => void last.delete(conversation),
    activeSince: (conversation, since) => (last.get(conversation) ?? Number.NEGATIVE_INFINITY) >= since,
  }
}
