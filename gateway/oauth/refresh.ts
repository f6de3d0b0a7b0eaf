import { joinedNeed, needOnceRenewed } from '../domain/authorization'
import { GatewayError, toGatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Secret } from '../secrets/secret'
import type { TokenKey, TokenStore } from '../store/oauth-tokens'
import type { Binding, Registration, TokenGrant } from './grant'
import type { OpenTokens, SealedTokens } from './sealed-tokens'
import { LaterError } from './token-answer'
import type { TokenEndpoint } from './token-endpoint'

/**
 * What came of a renewal. `renewed`: other tokens than before, stored, whoever got them. `person`: only a sign-in
 * helps; it is noted beside the tokens, which stay.
 */
export type Renewal = { outcome: 'renewed'; tokens: OpenTokens } | { outcome: 'person'; tokens: OpenTokens }

export interface RefreshDeps {
  store: Pick<TokenStore, 'mark' | 'claim' | 'release'>
  sealed: SealedTokens
  endpoint: Pick<TokenEndpoint, 'refresh' | 'revoke'>
  registrationOf(binding: Binding): Registration | null
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep' | 'random'>
  /** Told once of what came of a renewal, before those who asked for it; of a need only when it is a new one. */
  onRenewal(renewal: Renewal): void
}

/** Renews tokens: once at a time, however many ask. */
export interface Refresh {
  /**
   * Renews the tokens that are `stale`, unless others are stored by now. Rejects with `oauth.unreachable`, at once during
   * the pause after a failure, and with what the vault or the disk says; the stored tokens are as before then. Null when
   * they were removed.
   */
  renew(stale: OpenTokens): Promise<Renewal | null>
  /** Milliseconds until it is of use to try again; 0 for now. */
  wait(key: TokenKey): number
  /** Begins no renewal any more; resolves when those under way are stored or given up. */
  close(): Promise<void>
}

/** Longest time a renewal takes; another process may begin after it. */
const CLAIM = 15_000
/** How often the claim of another process is looked at. */
const LOOK = 100
const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 60_000

interface Pause {
  failures: number
  /** Monotonic milliseconds. */
  until: number
  error: GatewayError
}

const nameOf = ({ serverId, issuer, resource }: TokenKey): string => `${serverId} ${issuer} ${resource}`

const stopping = () => new GatewayError('oauth.unreachable', 'McpMux is stopping')

type Grant = TokenGrant & { refreshToken: Secret }

/** A row may be written without other tokens: what is needed of a person is noted in it. */
const areSame = (a: OpenTokens, b: OpenTokens): boolean =>
  a.accessToken.reveal() === b.accessToken.reveal() &&
  a.refreshToken?.reveal() === b.refreshToken?.reveal() &&
  a.issuedAt === b.issuedAt

const withGrant = (now: OpenTokens, grant: Grant): OpenTokens => ({
  ...now,
  ...grant,
  needs: needOnceRenewed(now.needs, now.wantedScope),
  version: now.version + 1,
})

export function createRefresh(deps: RefreshDeps): Refresh {
  const { store, sealed, endpoint, runtime } = deps
  const running = new Map<string, Promise<Renewal | null>>()
  const pauses = new Map<string, Pause>()
  let closed = false
  /** Got, but not stored yet: the disk was full, for one. The refresh token they replace may be used up. */
  const unsaved = new Map<string, { old: OpenTokens; grant: Grant }>()

  const waitOf = (name: string): number => Math.max(0, (pauses.get(name)?.until ?? 0) - runtime.monotonic())

  /** What the issuer says of it counts, but not past the end of tokens that still serve. */
  function asked(error: GatewayError, { expiresAt }: OpenTokens): number {
    if (!(error instanceof LaterError)) return 0
    const left = (expiresAt ?? 0) - runtime.now()
    return Math.min(error.wait, LONGEST_PAUSE, left > 0 ? left : LONGEST_PAUSE)
  }

  function pause(name: string, error: GatewayError, tokens: OpenTokens): void {
    const failures = (pauses.get(name)?.failures ?? 0) + 1
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 10))
    const own = longest * (0.5 + runtime.random() / 2)
    pauses.set(name, { failures, until: runtime.monotonic() + Math.max(own, asked(error, tokens)), error })
  }

  /** Stores first; what is not stored is not used. Null when others were stored, or all removed, meanwhile. */
  function save(name: string, grant: Grant, old: OpenTokens): OpenTokens | null {
    unsaved.set(name, { old, grant })
    for (;;) {
      const now = sealed.read(old)
      const next = now && areSame(now, old) ? withGrant(now, grant) : null
      if (next && !sealed.put(next, next.version - 1)) continue
      unsaved.delete(name)
      return next
    }
  }

  function needsPerson(now: OpenTokens, found: 'refused' | 'expired'): Renewal {
    const needs = joinedNeed(now.needs, found)
    if (now.needs === needs || !store.mark(now, now.version, needs, now.wantedScope))
      return { outcome: 'person', tokens: now }
    return { outcome: 'person', tokens: { ...now, needs, version: now.version + 1 } }
  }

  async function ask(name: string, now: OpenTokens): Promise<Renewal | null> {
    if (now.refreshToken === null) return needsPerson(now, 'expired')
    const registration = deps.registrationOf(now)
    // A client id that was replaced cannot renew what was given to the one before.
    if (registration?.clientId !== now.clientId) return needsPerson(now, 'refused')
    const { metadata, refreshToken, scope, resource } = now
    // The address a person typed is of the same origin.
    const typedUrl = resource
    let grant: Grant
    try {
      const got = await endpoint.refresh(metadata, registration, { refreshToken, scope, resource, typedUrl })
      grant = { ...got, refreshToken: got.refreshToken ?? refreshToken }
    } catch (thrown) {
      const error = toGatewayError(thrown)
      if (error.code !== 'oauth.refused') throw error
      const latest = sealed.read(now)
      if (latest && !areSame(latest, now)) return { outcome: 'renewed', tokens: latest }
      return latest && needsPerson(latest, 'refused')
    }
    const stored = save(name, grant, now)
    if (stored) return { outcome: 'renewed', tokens: stored }
    // A sign-in was faster, or a person signed out: nobody uses these.
    void endpoint.revoke(metadata, registration, grant.refreshToken, typedUrl)
    const latest = sealed.read(now)
    return latest && { outcome: 'renewed', tokens: latest }
  }

  async function run(name: string, stale: OpenTokens): Promise<Renewal | null> {
    for (;;) {
      const now = sealed.read(stale)
      if (!now) return null
      const kept = unsaved.get(name)
      if (kept) {
        const saved = save(name, kept.grant, kept.old)
        if (saved) return { outcome: 'renewed', tokens: saved }
        continue
      }
      if (!areSame(now, stale)) return { outcome: 'renewed', tokens: now }
      if (now.needs === 'refused' || now.needs === 'expired') return { outcome: 'person', tokens: now }
      if (closed) throw stopping()
      const until = runtime.now() + CLAIM
      if (!store.claim(now, now.version, runtime.now(), until)) {
        await runtime.sleep(LOOK)
        continue
      }
      try {
        return await ask(name, now)
      } finally {
        store.release(now, until)
      }
    }
  }

  return {
    wait: (key) => waitOf(nameOf(key)),
    async close() {
      closed = true
      // The refresh token that is under way may be used up, and only its answer has the next one.
      await Promise.allSettled(running.values())
    },
    renew(stale) {
      const name = nameOf(stale)
      const under = running.get(name)
      if (under) return under
      if (closed) return Promise.reject(stopping())
      const held = pauses.get(name)
      if (held && waitOf(name) > 0) return Promise.reject(held.error)
      const work = run(name, stale)
        .then(
          (renewal) => {
            pauses.delete(name)
            if (renewal && (renewal.outcome === 'renewed' || renewal.tokens.needs !== stale.needs))
              deps.onRenewal(renewal)
            return renewal
          },
          (thrown: unknown) => {
            const error = toGatewayError(thrown)
            if (error.code === 'oauth.unreachable') pause(name, error, stale)
            throw error
          },
        )
        .finally(() => running.delete(name))
      running.set(name, work)
      return work
    },
  }
}
