import type { Server } from '../domain/server'
import type { Runtime } from '../runtime'
import { signInAddress } from './sign-in-address'
import type { Current, CurrentTokens } from './current'
import type { Refresh } from './refresh'

/** How long at most until it looks again: this machine may have slept meanwhile. Milliseconds. */
const LONGEST_LOOK = 30_000
const SHORTEST_LOOK = 1000
/** Shortest life of tokens that are renewed though nobody calls: an issuer of shorter ones would have us ask for ever. */
const LEAST_LIFE = 30_000

export interface RefresherDeps {
  servers(): readonly Server[]
  current: Pick<CurrentTokens, 'of'>
  refresh: Refresh
  runtime: Pick<Runtime, 'now' | 'sleep'>
  report(error: unknown): void
}

/**
 * Renews tokens before they run out, whether or not anybody calls their server: an authorization server forgets a sign-in
 * nobody uses. The tokens of a server are 30 s old at least; those that live shorter are left to who calls. Ends when
 * disposed.
 */
export function createRefresher(deps: RefresherDeps): Disposable {
  const { current, refresh, runtime } = deps
  const over = new AbortController()

  function dueOf(server: Server): { mine: Current; due: number } | null {
    const url = server.enabled ? signInAddress(server) : null
    if (url === null) return null
    let mine: Current | null
    try {
      mine = current.of({ id: server.id, url })
    } catch {
      // Locked, or not readable: whoever calls the server is told.
      return null
    }
    if (!mine || mine.tokens.refreshToken === null || mine.tokens.expiresAt === null) return null
    if (mine.tokens.needs === 'refused' || mine.tokens.needs === 'expired') return null
    const { issuedAt, expiresAt } = mine.tokens
    if (expiresAt - issuedAt < LEAST_LIFE) return null
    const now = runtime.now()
    const early = Math.max(mine.renewAt, issuedAt + LEAST_LIFE)
    const due = now < mine.goodFrom ? now : Math.max(early, now + refresh.wait(mine.tokens))
    return { mine, due }
  }

  function look(): number {
    const now = runtime.now()
    let next = now + LONGEST_LOOK
    for (const server of deps.servers()) {
      const found = dueOf(server)
      if (!found) continue
      if (found.due <= now) refresh.renew(found.mine.tokens).catch(() => undefined)
      else next = Math.min(next, found.due)
    }
    return Math.max(SHORTEST_LOOK, next - now)
  }

  const forever = async () => {
    for (;;) {
      let pause = LONGEST_LOOK
      try {
        pause = look()
      } catch (error) {
        deps.report(error)
      }
      await runtime.sleep(pause, over.signal)
    }
  }
  // It ends with its signal.
  forever().catch(() => undefined)
  return { [Symbol.dispose]: () => over.abort() }
}
