// When tokens are renewed, and until when they are sent. Epoch milliseconds throughout.
import type { TokenTimes } from '../domain/authorization'

/** How far clocks may be apart: ours, and that of the server that judges a token. */
const SKEW = 120_000
/** Of tokens nobody said a lifetime of: they are renewed after this much use, and sent until they are refused. */
const UNSAID = 300_000
/** Of a life, after which tokens are renewed. */
const EARLY = 0.8

/** When tokens may be sent, and from when on others are wanted. */
export interface Lifetime {
  /** A clock that shows less was put back: it says nothing of what is left. */
  goodFrom: number
  /** From then on they are sent only when nothing better can be had. */
  goodUntil: number
  renewAt: number
}

/**
 * Good until the clocks' skew before their end, or a tenth of a short life; renewed at 80 % of it, a little earlier or
 * later by `chance` in [0, 1), so that not all are renewed at once.
 */
export function lifetimeOf({ issuedAt, expiresAt }: TokenTimes, chance: number): Lifetime {
  const life = expiresAt === null ? UNSAID : Math.max(0, expiresAt - issuedAt)
  return {
    goodFrom: issuedAt - SKEW,
    goodUntil:
      expiresAt === null ? Number.POSITIVE_INFINITY : expiresAt - Math.min(SKEW, Math.round(life / 10)),
    renewAt: issuedAt + Math.round(life * (EARLY - 0.025 + chance * 0.05)),
  }
}

export const isGood = ({ goodFrom, goodUntil }: Lifetime, now: number): boolean =>
  now >= goodFrom && now < goodUntil
