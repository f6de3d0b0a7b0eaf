import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { SignIn } from '../domain/sign-in'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import type { SignInStore } from '../store/sign-ins'
import { ACCESS_SECONDS, type ReadAccess, readAccess, signAccess } from './access-token'
import { OAuthError } from './failure'
import type { SigningKeys } from '../secrets/signing-keys'

/** What a client gets (RFC 6749 section 5.1). Scopes are accepted and mean nothing: rights are grants. */
export interface TokenAnswer {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  refresh_token: string
}

/** Which gateway, under which name, tokens are for. */
export interface Audience {
  issuer: string
  resource: string
}

/** Gives access to a client that was approved, renews it, and ends it. */
export interface SignIns {
  /** The first tokens of a new sign-in. Throws `invalid_grant` when client or applicant are gone. */
  begin(
    of: { clientId: string; applicantId: string },
    at: Audience,
  ): Promise<{ id: string; tokens: TokenAnswer }>
  /** Trades a refresh token. Throws `invalid_grant`; a token that was traded before ends its sign-in. */
  refresh(token: string, applicantId: string, at: Audience): Promise<TokenAnswer>
  /** What an access token says, if its sign-in still counts. */
  verify(token: string, at: Audience): Promise<ReadAccess | 'expired' | null>
  /** Whether a sign-in of this client counts now. */
  counts(id: string, clientId: string): boolean
  /** Ends it with its sessions and streams, at once. False when it had ended, or never was. */
  revoke(id: string): boolean
  /** Ends what was given for a code that came twice. */
  reused(id: string): void
  /** Ends what a token of either kind belongs to, if it belongs to this applicant (RFC 7009). */
  revokeToken(token: string, applicantId: string, at: Audience): Promise<void>
}

const PREFIX = 'mxr_'
const REFRESH_SHAPE = /^mxr_[\w-]{43}$/
/** Unused for so long, a sign-in is forgotten. */
const FORGOTTEN_MS = 90 * 86_400_000
/**
 * Programs of one application share a token, or lose an answer, and trade it twice. Within this time the second gets the
 * same token as the first, as long as nobody used that one.
 */
const GRACE_MS = 60_000

const hashOf = (token: string): Uint8Array => new Uint8Array(createHash('sha256').update(token).digest())
const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)

export function createSignIns(deps: {
  store: SignInStore
  accessKeys: SigningKeys
  refreshKeys: SigningKeys
  events: EventBus
  runtime: Pick<Runtime, 'now' | 'randomBytes'>
  /** Told of a sign-in that ended without a person: its client asked, nobody used it, or a token of it came twice. */
  ended?: (signIn: SignIn, why: 'asked' | 'forgotten' | 'reused') => void
}): SignIns {
  const { store, accessKeys, refreshKeys, events, runtime } = deps
  const randomText = (bytes: number): string => Buffer.from(runtime.randomBytes(bytes)).toString('base64url')

  async function tokensFor(signIn: SignIn, refreshToken: string, at: Audience): Promise<TokenAnswer> {
    const { id: signInId, clientId, applicantId } = signIn
    const claims = {
      issuer: at.issuer,
      audience: at.resource,
      clientId,
      applicantId,
      signInId,
      jti: randomText(16),
      issuedAt: runtime.now(),
    }
    return {
      access_token: await accessKeys.withNewest((key) => signAccess(key, claims)),
      token_type: 'Bearer',
      expires_in: ACCESS_SECONDS,
      refresh_token: refreshToken,
    }
  }

  function revoke(id: string): boolean {
    const signIn = store.get(id)
    if (!signIn || !store.revoke(id)) return false
    events.emit('client.revoked', { clientId: signIn.clientId, credentialId: id })
    events.emit('client.changed', { clientId: signIn.clientId })
    return true
  }

  const endFor = (why: 'asked' | 'forgotten' | 'reused', id: string): void => {
    const signIn = store.get(id)
    if (signIn && revoke(id)) deps.ended?.(signIn, why)
  }

  /** Follows from the token, so that it can be given again without being kept. Nobody can tell it without the key. */
  const nextOf = (key: Uint8Array, token: string): string =>
    PREFIX + createHmac('sha256', key).update(token).digest('base64url')

  const over = (why: string) => new OAuthError('invalid_grant', why)

  /** The token that follows, given for the first time or once more. */
  async function trade(token: string, hash: Uint8Array): Promise<string | null> {
    const stored = store.token(hash)
    if (!stored) return null
    if (stored.usedAt === null) {
      const next = await refreshKeys.withNewest(async (key) => nextOf(key, token))
      store.rotate(hash, hashOf(next))
      // Somebody may have been faster, with another key in between.
      const traded = store.token(hash)
      return traded?.nextHash && isSame(traded.nextHash, hashOf(next)) ? next : null
    }
    const { nextHash, usedAt } = stored
    const successor = nextHash && store.token(nextHash)
    // A clock that was set back a little in between makes nobody a thief.
    const isFresh = Math.abs(runtime.now() - usedAt) <= GRACE_MS
    if (!nextHash || !successor || successor.usedAt !== null || !isFresh) {
      endFor('reused', stored.signInId)
      return null
    }
    return refreshKeys.firstOf(async (key) => {
      const next = nextOf(key, token)
      return isSame(hashOf(next), nextHash) ? next : null
    })
  }

  const live = (id: string): SignIn | null => {
    const signIn = store.get(id)
    return signIn && signIn.revokedAt === null ? signIn : null
  }

  async function verify(token: string, at: Audience): Promise<ReadAccess | 'expired' | null> {
    const expected = { issuer: at.issuer, audience: at.resource, now: runtime.now() }
    const read = await accessKeys.firstOf((key) => readAccess(token, key, expected))
    if (read === null || read === 'expired') return read
    const signIn = live(read.signInId)
    const fits = signIn?.clientId === read.clientId && signIn.applicantId === read.applicantId
    return fits ? read : null
  }

  return {
    async begin({ clientId, applicantId }, at) {
      store.expire(runtime.now() - FORGOTTEN_MS)
      const refreshToken = PREFIX + randomText(32)
      let signIn: SignIn
      try {
        signIn = store.create({ clientId, applicantId, hash: hashOf(refreshToken) })
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'client.unknown')
          throw over('the client was removed')
        throw error
      }
      events.emit('client.changed', { clientId })
      return { id: signIn.id, tokens: await tokensFor(signIn, refreshToken, at) }
    },
    async refresh(token, applicantId, at) {
      if (!REFRESH_SHAPE.test(token)) throw over('not a refresh token')
      const hash = hashOf(token)
      const stored = store.token(hash)
      const signIn = stored && live(stored.signInId)
      if (!stored || !signIn) throw over('the refresh token is not known')
      // Another program's token: whoever sends it does not get to spend it.
      if (signIn.applicantId !== applicantId) throw over('the refresh token was given to another client')
      if (stored.issuedAt < runtime.now() - FORGOTTEN_MS) {
        endFor('forgotten', signIn.id)
        throw over('the refresh token was not used for too long')
      }
      const next = await trade(token, hash)
      const still = live(signIn.id)
      if (next === null || !still) throw over('the refresh token was used before')
      return tokensFor(still, next, at)
    },
    verify,
    counts: (id, clientId) => live(id)?.clientId === clientId,
    revoke,
    reused: (id) => endFor('reused', id),
    async revokeToken(token, applicantId, at) {
      const stored = REFRESH_SHAPE.test(token) ? store.token(hashOf(token)) : null
      const read = stored ? null : await verify(token, at)
      const id = stored?.signInId ?? (read !== null && read !== 'expired' ? read.signInId : null)
      if (id !== null && live(id)?.applicantId === applicantId) endFor('asked', id)
    },
  }
}
