// Why a person has to sign in, as far as it is known without asking anybody.
import type { SignInNeed } from '../domain/authorization'
import type { Server } from '../domain/server'
import type { Runtime } from '../runtime'
import type { SignInWantStore } from '../store/sign-ins-wanted'
import type { CurrentTokens } from './current'
import { signInAddress } from './sign-in-address'

export interface SignInNeeds {
  /**
   * What keeps a server from being of use until a person signed in; null when nothing does that is known. Wider rights
   * are not among it: what needs none goes on without.
   */
  of(server: Server): SignInNeed | null
  /** It refused a request, or told where to sign in. */
  wanted(serverId: string): void
  /** It did what was asked of it. */
  letIn(server: Server): void
}

export function createSignInNeeds(deps: {
  current: Pick<CurrentTokens, 'of'>
  store: SignInWantStore
  runtime: Pick<Runtime, 'now'>
}): SignInNeeds {
  const { current, store, runtime } = deps

  /** Its tokens; null for none, undefined for some that cannot be read now. */
  function tokensOf({ id, definition }: Server) {
    const url = signInAddress({ definition })
    if (url === null) return undefined
    try {
      return current.of({ id, url })?.tokens ?? null
    } catch {
      return undefined
    }
  }

  return {
    of(server) {
      const tokens = tokensOf(server)
      if (tokens === undefined) return null
      if (tokens === null) return store.has(server.id) ? 'first' : null
      const { needs, expiresAt, refreshToken } = tokens
      // As long as they may count they are sent, whatever is needed.
      if (expiresAt === null || runtime.now() < expiresAt) return null
      if (needs === 'refused' || needs === 'expired') return needs
      return refreshToken === null ? 'expired' : null
    },
    wanted(serverId) {
      try {
        if (!store.has(serverId)) store.add(serverId)
      } catch {
        // On a full disk: it is noted when it refuses again, and the refusal itself is what counts.
      }
    },
    letIn(server) {
      // With tokens that says nothing of who has none.
      if (tokensOf(server) !== null || !store.has(server.id)) return
      store.remove(server.id)
    },
  }
}
