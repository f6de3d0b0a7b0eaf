import { joinedNeed, type SignInNeed } from '../domain/authorization'
import type { Called } from '../domain/called'
import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import { toGatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { TokenStore } from '../store/oauth-tokens'
import type { Authorization, Needed, Refusal } from '../transport/authorization'
import { coversUrl } from './resource-metadata'
import { signInAddress } from './sign-in-address'
import { readChallenge } from './challenge'
import type { Current, CurrentTokens } from './current'
import { isGood } from './lifetime'
import type { SignInNeeds } from './needs'
import type { Refresh } from './refresh'
import { widenedScope } from './scopes'
import type { OpenTokens } from './sealed-tokens'

/** What lets requests of servers in (`transport/authorization`). */
export interface Authorizations {
  /** Null where there is no sign-in. */
  of(server: Server): Authorization | null
  /** What keeps a server with a sign-in from being started: its tokens are locked, or cannot be read. */
  blockedBy(server: Server): UpstreamState | null
  /** `WWW-Authenticate` of the last refusal of a server at this address, as it came; null when there was none. */
  lastChallenge(serverId: string, url: string): string | null
}

export interface AuthorizationsDeps {
  current: CurrentTokens
  refresh: Pick<Refresh, 'renew'>
  store: Pick<TokenStore, 'mark'>
  needs: Pick<SignInNeeds, 'wanted'>
  /** Other rights are needed, and were not before. */
  onNeed(tokens: OpenTokens): void
  runtime: Pick<Runtime, 'now' | 'monotonic'>
  called: Called
}

/** After a new token was refused as well, the authorization server is not asked again for so long. Milliseconds. */
const HOPELESS = 60_000

export function createAuthorizations(deps: AuthorizationsDeps): Authorizations {
  const { current, refresh, store, runtime } = deps
  /** With the address each server had then: what was said there is not about another one. */
  const challenges = new Map<string, { url: string; challenge: string }>()
  /** Versions of tokens that a server refused when they were new, and until when (monotonic) they are taken for that. */
  const hopeless = new Map<string, { version: number; until: number }>()

  function authorize(server: Server, url: string): Authorization {
    const place = { id: server.id, url }
    /** The address that was looked at last, which is the one of every request but few. */
    let last: { url: URL; resource: string; covered: boolean } | null = null

    const isCovered = (mine: Current, to: URL): boolean => {
      const { resource } = mine.tokens
      if (last?.url !== to || last.resource !== resource)
        last = { url: to, resource, covered: coversUrl(resource, to) }
      return last.covered
    }

    const usable = ({ tokens }: Current): boolean =>
      tokens.expiresAt === null || runtime.now() < tokens.expiresAt

    /** With what there is, as long as it may count, when nothing new can be had. */
    async function renewed(mine: Current): Promise<OpenTokens['accessToken'] | Needed | null> {
      const { tokens } = mine
      try {
        const renewal = await refresh.renew(tokens)
        if (renewal === null) return null
        if (renewal.outcome === 'renewed' || usable(mine)) return renewal.tokens.accessToken
        return { need: needOf(renewal.tokens) }
      } catch (error) {
        if (usable(mine)) return tokens.accessToken
        throw error
      }
    }

    function wantsMore(mine: Current, { challenge }: Refusal): Needed {
      const { tokens } = mine
      const wantedScope = widenedScope(tokens.wantedScope, readChallenge(challenge)?.scope ?? null)
      const needs = joinedNeed(tokens.needs, 'scope')
      const known = tokens.needs === needs && tokens.wantedScope === wantedScope
      if (!known && store.mark(tokens, tokens.version, needs, wantedScope)) {
        const marked = { ...tokens, needs, wantedScope, version: tokens.version + 1 }
        current.set(marked)
        // Who hears of it connects anew: further words are kept for the sign-in, and are no reason to.
        if (tokens.needs !== needs) deps.onNeed(marked)
      }
      return { need: needs }
    }

    async function unauthorized(mine: Current, again: boolean): Promise<Needed | null> {
      const { tokens } = mine
      const given = hopeless.get(server.id)
      if (again) hopeless.set(server.id, { version: tokens.version, until: runtime.monotonic() + HOPELESS })
      if (again || (given?.version === tokens.version && runtime.monotonic() < given.until))
        return { need: 'refused' }
      const renewal = await refresh.renew(tokens)
      if (renewal === null) return { need: 'first' }
      return renewal.outcome === 'renewed' ? null : { need: needOf(renewal.tokens) }
    }

    return {
      // The active Space may be another one by the time it is told.
      get command() {
        return `\`mcpmux login ${deps.called(server).words}\``
      },
      covers(to) {
        const mine = current.of(place)
        return mine !== null && coversUrl(mine.tokens.resource, to)
      },
      tokenFor(to) {
        const mine = current.of(place)
        if (mine === null || !isCovered(mine, to)) return null
        const now = runtime.now()
        if (!isGood(mine, now)) return renewed(mine)
        // It is renewed for those who come later.
        if (now >= mine.renewAt && mine.tokens.needs !== 'refused' && mine.tokens.refreshToken !== null)
          refresh.renew(mine.tokens).catch(() => undefined)
        return mine.tokens.accessToken
      },
      async refused(refusal) {
        if (refusal.challenge !== null) challenges.set(server.id, { url, challenge: refusal.challenge })
        if (refusal.status === 401) deps.needs.wanted(server.id)
        const mine = current.of(place)
        if (mine === null || !coversUrl(mine.tokens.resource, refusal.url)) return { need: 'first' }
        const isOld = refusal.sent?.reveal() !== mine.tokens.accessToken.reveal()
        if (isOld && !refusal.again) return null
        return refusal.status === 403 ? wantsMore(mine, refusal) : unauthorized(mine, refusal.again)
      },
    }
  }

  return {
    of(server) {
      const url = signInAddress(server)
      return url === null ? null : authorize(server, url)
    },
    blockedBy(server) {
      const url = signInAddress(server)
      if (url === null) return null
      try {
        current.of({ id: server.id, url })
        return null
      } catch (thrown) {
        const { code, message } = toGatewayError(thrown)
        if (code === 'vault.locked' || code === 'keychain.unavailable') return { status: 'locked' }
        return { status: 'failed', code, message, retryAt: null }
      }
    },
    lastChallenge(serverId, url) {
      const last = challenges.get(serverId)
      return last?.url === url ? last.challenge : null
    },
  }
}

const needOf = ({ needs }: OpenTokens): SignInNeed => needs ?? 'refused'
