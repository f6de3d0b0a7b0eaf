import { IdTable } from '../collections/id-table'

/** A server that never answers a cancelled call, as MCP asks of it, tells nobody when it stopped working on it. */
const LEAST_MS = 5000
const LONGEST_MS = 120_000
/** A client that cancels without end must not fill the memory. */
const MOST = 4096

/** A call that ended here without an answer. Times are monotonic milliseconds. */
export interface GivenUpCall {
  id: number
  /** Whose it was; null for a caller like no other, not even like itself. */
  conversation: string | null
  startedAt: number
}

/**
 * Calls of one connection that were cancelled or took too long, which their server may still work on: what it says or
 * asks meanwhile may be for them. One counts until it is answered after all; failing that for as long again as it was
 * waited for, but for five seconds at least and two minutes at most.
 */
export interface GivenUpCalls {
  add(call: GivenUpCall, now: number): void
  /** Its answer came after all; false for an id that is none of them. */
  answered(id: number): boolean
  has(id: number): boolean
  /** Whether a message that says no more about its call may be for one of them that is of anybody else. */
  mayBeOfOthers(conversation: string | null): boolean
  sweep(now: number): void
}

export function createGivenUpCalls(): GivenUpCalls {
  const calls = new IdTable<GivenUpCall & { until: number }>()
  const counts = new Map<string | null, number>()
  /** While it lies ahead there is one of which nothing else is known. */
  let unknownUntil = 0

  function count(conversation: string | null, by: 1 | -1): void {
    const left = (counts.get(conversation) ?? 0) + by
    if (left > 0) counts.set(conversation, left)
    else counts.delete(conversation)
  }

  function answered(id: number): boolean {
    const call = calls.take(id)
    if (call) count(call.conversation, -1)
    return call !== null
  }

  return {
    add({ id, conversation, startedAt }, now) {
      const until = now + Math.min(Math.max(now - startedAt, LEAST_MS), LONGEST_MS)
      if (calls.size >= MOST) {
        unknownUntil = Math.max(unknownUntil, until)
        return
      }
      calls.set(id, { id, conversation, startedAt, until })
      count(conversation, 1)
    },
    answered,
    has: (id) => calls.get(id) !== null,
    mayBeOfOthers(conversation) {
      if (unknownUntil > 0) return true
      return counts.size > (conversation !== null && counts.has(conversation) ? 1 : 0)
    },
    sweep(now) {
      if (now >= unknownUntil) unknownUntil = 0
      if (calls.size === 0) return
      for (const { id, until } of calls.toArray()) if (now >= until) answered(id)
    },
  }
}
