import type { Usage } from './usage'

/** Who has called one server. Times are monotonic milliseconds. */
export interface Conversations {
  called(conversation: string, now: number): void
  release(conversation: string): void
  /** Those heard of since then, by whichever server; the others are forgotten. */
  activeSince(since: number): string[]
}

export function createConversations(usage: Usage): Conversations {
  const known = new Set<string>()
  return {
    called(conversation, now) {
      known.add(conversation)
      usage.seen(conversation, now)
    },
    release: (conversation) => void known.delete(conversation),
    activeSince(since) {
      for (const conversation of known)
        if (!usage.activeSince(conversation, since)) known.delete(conversation)
      return [...known]
    },
  }
}
