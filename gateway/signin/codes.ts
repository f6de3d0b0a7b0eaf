import { createHash } from 'node:crypto'
import type { Runtime } from '../runtime'

/** What a code was given for; it is worth something only together with all of it. */
export interface CodeFacts {
  applicantId: string
  clientId: string
  redirectUri: string
  /** S256 of the verifier (RFC 7636 section 4.2). */
  challenge: string
}

/** A code that came back: for the first time and in time, again after it was traded, or neither. */
export type Presented =
  | { state: 'good'; facts: CodeFacts; spend(signInId: string): void }
  | { state: 'again'; signInId: string }
  | { state: 'unknown' }

/** Authorization codes. They live in memory: a minute is less than a restart is worth. */
export interface Codes {
  issue(facts: CodeFacts): string
  /** A code is gone with the first look at it, whatever comes of that. */
  present(code: string): Presented
}

const LIFETIME_MS = 60_000
/** So long a code is remembered that was traded, to notice that somebody else has it too. */
const REMEMBERED_MS = 600_000
const MOST = 1000

const hashOf = (code: string): string => createHash('sha256').update(code).digest('base64url')

export function createCodes(runtime: Pick<Runtime, 'monotonic' | 'randomBytes'>): Codes {
  const fresh = new Map<string, { facts: CodeFacts; until: number }>()
  const spent = new Map<string, { signInId: string; until: number }>()

  const forget = (codes: Map<string, { until: number }>): void => {
    const now = runtime.monotonic()
    for (const [hash, { until }] of codes) if (until <= now || codes.size > MOST) codes.delete(hash)
  }

  return {
    issue(facts) {
      forget(fresh)
      const code = Buffer.from(runtime.randomBytes(32)).toString('base64url')
      fresh.set(hashOf(code), { facts, until: runtime.monotonic() + LIFETIME_MS })
      return code
    },
    present(code) {
      const hash = hashOf(code)
      const now = runtime.monotonic()
      const known = fresh.get(hash)
      fresh.delete(hash)
      if (known && known.until > now) {
        const spend = (signInId: string): void => {
          forget(spent)
          spent.set(hash, { signInId, until: runtime.monotonic() + REMEMBERED_MS })
        }
        return { state: 'good', facts: known.facts, spend }
      }
      const before = spent.get(hash)
      return before && before.until > now
        ? { state: 'again', signInId: before.signInId }
        : { state: 'unknown' }
    },
  }
}
