import { createHash, timingSafeEqual } from 'node:crypto'
import { createRate } from '../domain/rate'
import type { Applicant, Approval } from '../domain/sign-in'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import { receiverOf } from './redirect-uris'

/** What an applicant asked for, as far as the answer needs it. */
export interface Request {
  applicant: Applicant
  redirectUri: string
  state: string | null
  challenge: string
}

/** What became of a request, told to the one browser that began it. */
export type Outcome =
  | { state: 'waiting'; code: string }
  | { state: 'approved'; request: Request; clientId: string }
  | { state: 'denied' | 'expired'; request: Request }
  | { state: 'taken' }

/** Requests that wait for a person. In memory: a browser page that waits does not outlive the gateway. */
export interface Approvals extends Disposable {
  /** `cookie` is for the browser alone. Throws `approval.too_many`. */
  ask(request: Request): { id: string; cookie: string }
  /** Those that wait now, oldest first. */
  list(): Approval[]
  /** One that waits, by its id or its four characters in any case. Throws `approval.unknown`. */
  find(idOrCode: string): Approval
  /** Who asked, as it was then. Throws `approval.unknown`. */
  applicantOf(id: string): Applicant
  /** The applicant is this Client from now on. Throws `approval.unknown`. */
  approve(id: string, clientId: string): void
  /** Throws `approval.unknown`. */
  deny(id: string): void
  /**
   * Where it stands; null for a cookie that is not that of the browser that began. What is not `waiting` is told once,
   * and is `taken` from then on.
   */
  collect(id: string, cookie: string): Outcome | null
}

const WAITING_MS = 600_000
/** So long the browser may come for what was decided. */
const DECIDED_MS = 120_000
const MOST = 32
const MOST_OF_ONE = 3

/** Without what is taken for something else: 0 and O, 1 and I and L, U and V. */
const LETTERS = '23456789ABCDEFGHJKMNPQRSTVWXYZ'

interface Entry {
  approval: Approval
  request: Request
  cookieHash: Buffer
  verdict: { state: 'waiting' | 'denied' | 'expired' | 'taken' } | { state: 'approved'; clientId: string }
  /** On the clock that nobody sets. */
  until: number
}

const hashOf = (cookie: string): Buffer => createHash('sha256').update(cookie).digest()

export function createApprovals(deps: {
  events: EventBus
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'randomBytes' | 'sleep'>
}): Approvals {
  const { events, runtime } = deps
  const entries = new Map<string, Entry>()
  const over = new AbortController()
  const rate = createRate({ burst: 20, perSecond: 0.5, runtime })
  let armed = false

  const changed = (): void => events.emit('approvals.changed', { waiting: waiting().length })
  const waiting = (): Entry[] => [...entries.values()].filter(({ verdict }) => verdict.state === 'waiting')

  /** What waited for too long does so no more, and what nobody came for is forgotten. */
  function sweep(): void {
    const now = runtime.monotonic()
    let expired = false
    for (const [id, entry] of entries) {
      if (entry.until > now) continue
      if (entry.verdict.state === 'waiting') {
        decide(entry, { state: 'expired' })
        expired = true
      } else entries.delete(id)
    }
    if (expired) changed()
  }

  function decide(entry: Entry, verdict: Entry['verdict']): void {
    entry.verdict = verdict
    entry.until = runtime.monotonic() + DECIDED_MS
  }

  /** A person who looks at the list sees it shrink, without asking. */
  function arm(): void {
    if (armed || entries.size === 0) return
    armed = true
    const next = Math.min(...[...entries.values()].map(({ until }) => until))
    runtime.sleep(Math.max(1000, next - runtime.monotonic()), over.signal).then(
      () => {
        armed = false
        sweep()
        arm()
      },
      () => undefined,
    )
  }

  function freeCode(): string {
    const taken = new Set([...entries.values()].map(({ approval }) => approval.code))
    for (;;) {
      let code = ''
      for (const byte of runtime.randomBytes(16)) {
        if (byte < 240 && code.length < 4) code += LETTERS.charAt(byte % LETTERS.length)
      }
      if (code.length === 4 && !taken.has(code)) return code
    }
  }

  function entryOf(idOrCode: string): Entry {
    sweep()
    const code = idOrCode.toUpperCase()
    const found = waiting().find(({ approval }) => approval.id === idOrCode || approval.code === code)
    if (!found) throw new GatewayError('approval.unknown', idOrCode.slice(0, 64))
    return found
  }

  return {
    ask(request) {
      sweep()
      const { applicant, redirectUri } = request
      if (!rate.take()) throw new GatewayError('approval.too_many')
      const own = waiting().filter(({ approval }) => approval.applicantId === applicant.id)
      // A program that begins again and again has given up on what it began before.
      const [oldest] = own
      if (oldest && own.length >= MOST_OF_ONE) entries.delete(oldest.approval.id)
      if (waiting().length >= MOST) throw new GatewayError('approval.too_many')
      const id = Buffer.from(runtime.randomBytes(16)).toString('hex')
      const cookie = Buffer.from(runtime.randomBytes(32)).toString('base64url')
      const approval: Approval = {
        id,
        code: freeCode(),
        name: applicant.name,
        applicantId: applicant.id,
        kind: applicant.kind,
        redirectUri,
        receiver: receiverOf(redirectUri),
        askedAt: runtime.now(),
        expiresAt: runtime.now() + WAITING_MS,
        clientId: applicant.clientId,
      }
      const until = runtime.monotonic() + WAITING_MS
      entries.set(id, {
        approval,
        request,
        cookieHash: hashOf(cookie),
        verdict: { state: 'waiting' },
        until,
      })
      arm()
      changed()
      return { id, cookie }
    },
    list() {
      sweep()
      return waiting().map(({ approval }) => approval)
    },
    find: (idOrCode) => entryOf(idOrCode).approval,
    applicantOf: (id) => entryOf(id).request.applicant,
    approve(id, clientId) {
      decide(entryOf(id), { state: 'approved', clientId })
      changed()
    },
    deny(id) {
      decide(entryOf(id), { state: 'denied' })
      changed()
    },
    collect(id, cookie) {
      sweep()
      const entry = entries.get(id)
      if (!entry || !timingSafeEqual(entry.cookieHash, hashOf(cookie))) return null
      const { verdict, request, approval } = entry
      if (verdict.state === 'waiting') return { state: 'waiting', code: approval.code }
      if (verdict.state === 'taken') return { state: 'taken' }
      entry.verdict = { state: 'taken' }
      return verdict.state === 'approved'
        ? { state: 'approved', request, clientId: verdict.clientId }
        : { state: verdict.state, request }
    },
    [Symbol.dispose]() {
      over.abort()
      entries.clear()
    },
  }
}
