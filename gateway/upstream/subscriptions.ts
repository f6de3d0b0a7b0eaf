/** Who listens to which resource of one server. The server hears of a URI once, however many conversations want it. */
export interface Subscriptions {
  readonly size: number
  /** What the server was told of. */
  uris(): string[]
  /** Those that subscribed, and those whose subscription is on its way. */
  listeners(uri: string): string[]
  /** Whom an update concerns: it may be about a part of what was subscribed to (MCP 2025-11-25, resources). */
  concerned(uri: string): string[]
  /** The server is being asked: an update may come right behind its answer. */
  begin(uri: string, conversation: string): void
  /** It has answered, and taken the subscription or not. Nothing is kept for who was released meanwhile. */
  settle(uri: string, conversation: string, taken: boolean): void
  /** A subscription from before, which the server will be told of. */
  put(uri: string, conversation: string): void
  /** True when nobody listens to the URI any more. */
  remove(uri: string, conversation: string): boolean
  /** Forgets a conversation; returns the URIs nobody listens to any more. */
  release(conversation: string): string[]
}

const isPart = (uri: string, of: string): boolean => uri.startsWith(of.endsWith('/') ? of : `${of}/`)

export function createSubscriptions(): Subscriptions {
  const taken = new Map<string, Set<string>>()
  const asked = new Map<string, Set<string>>()

  const put = (into: Map<string, Set<string>>, uri: string, conversation: string): void => {
    const listeners = into.get(uri)
    if (listeners) listeners.add(conversation)
    else into.set(uri, new Set([conversation]))
  }
  /** True when it was there. */
  const drop = (from: Map<string, Set<string>>, uri: string, conversation: string): boolean => {
    const listeners = from.get(uri)
    if (!listeners?.delete(conversation)) return false
    if (listeners.size === 0) from.delete(uri)
    return true
  }
  const remove = (uri: string, conversation: string): boolean =>
    drop(taken, uri, conversation) && !taken.has(uri) && !asked.has(uri)

  const listeners = (uri: string): string[] => [
    ...new Set([...(taken.get(uri) ?? []), ...(asked.get(uri) ?? [])]),
  ]

  return {
    get size() {
      return taken.size
    },
    uris: () => [...taken.keys()],
    listeners,
    concerned: (uri) => [
      ...new Set([
        ...listeners(uri),
        ...[...taken.keys()].filter((of) => isPart(uri, of)).flatMap(listeners),
      ]),
    ],
    begin: (uri, conversation) => put(asked, uri, conversation),
    settle(uri, conversation, isTaken) {
      if (drop(asked, uri, conversation) && isTaken) put(taken, uri, conversation)
    },
    put: (uri, conversation) => put(taken, uri, conversation),
    remove,
    release(conversation) {
      for (const uri of [...asked.keys()]) drop(asked, uri, conversation)
      return [...taken.keys()].filter((uri) => remove(uri, conversation))
    },
  }
}
