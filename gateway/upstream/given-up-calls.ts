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
  /** When it was sent, without the time a person was asked or a token fetched. */
  startedAt: number
}

/**
 * Calls of one connection that were cancelled, took too long or broke on their way, which their server may still work
 * on: what it says or asks meanwhile may be for them. One counts until its result comes after all; failing that for as
 * long again as it was waited for, but for five seconds at least and two minutes at most, and for five seconds after each
 * sign that the server goes on with it.
 */
export interface GivenUpCalls {
  add(call: GivenUpCall, now: number): void
  /**
   * Its answer came after all; false for an id that is none of them. One that is an error may only say that the server
   * heard that it was cancelled.
   */
  answered(id: number, isError: boolean): boolean
  /** It goes on; false for an id that is none of them. */
  goesOn(id: number, now: number): boolean
  /**
   * Whether a message that says no more about its call may be for one of them that is of anybody else. Always so while
   * there are more than are kept in mind.
   */
  mayBeOfOthers(conversation: string | null): boolean
  sweep(now: number): void
}

export function createGivenUpCalls(): GivenUpCalls {
  const calls = new IdTable<{ id: number; conversation: string | null; until: number }>()
  const counts = new Map<string | null, number>()
  /** While it lies ahead there is one of which nothing else is known. */
  let unknownUntil = 0

  function count(conversation: string | null, by: 1 | -1): void {
    const left = (counts.get(conversation) ?? 0) + by
    if (left > 0) counts.set(conversation, left)
    else counts.delete(conversation)
  }

  function forget(id: number): boolean {
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
      calls.set(id, { id, conversation, until })
      count(conversation, 1)
    },
    answered: (id, isError) => (isError ? calls.get(id) !== null : forget(id)),
    goesOn(id, now) {
      const call = calls.get(id)
      if (call) call.until = Math.max(call.until, now + LEAST_MS)
      return call !== null
    },
    mayBeOfOthers(conversation) {
      if (unknownUntil > 0) return true
      return counts.size > (conversation !== null && counts.has(conversation) ? 1 : 0)
    },
    sweep(now) {
      if (now >= unknownUntil) unknownUntil = 0
      if (calls.size === 0) return
      for (const { id, until } of calls.toArray()) if (now >= until) forget(id)
    },
  }
}
