import { createHash } from 'node:crypto'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Envelope } from '../wire/envelope'
import { decodeUtf8 } from '../wire/text'
import { rawOf } from '../wire/members'

/** What a `requestState` is bound to: given anywhere else, it is not valid. */
export interface StateBinding {
  clientId: string
  spaceId: string
  serverId: string
  /** Of method and parameters, but for those a second round adds. */
  request: string
}

/** What is in it: the server's own state, or the name of a call of ours that waits. */
export type RequestState = { kind: 'server'; state: string } | { kind: 'call'; id: string }

/**
 * Seals the states of multi round-trip requests (MCP 2026-07-28): a client carries them, and can neither read nor
 * change them, nor use them for another request, client, server or Space, nor later than their time.
 */
export interface RequestStates {
  seal(state: RequestState, binding: StateBinding): Promise<string>
  /** Throws `rpc.state_invalid`. */
  open(token: string, binding: StateBinding): Promise<RequestState>
}

const TYPE = 'mcpmux-state+jwt'
const ALGORITHM = { alg: 'dir', enc: 'A256GCM' } as const

/**
 * As encrypted JWT (RFC 7519, RFC 7516). `keys` are those that may have sealed a state, the one in use first; all have
 * 32 bytes.
 */
export function createRequestStates(deps: {
  keys: () => readonly Uint8Array[]
  /** Milliseconds a state is good for. */
  lifetime: () => number
  runtime: Pick<Runtime, 'now'>
}): RequestStates {
  const claims = ({ clientId, spaceId, serverId, request }: StateBinding) => ({
    sub: clientId,
    space: spaceId,
    server: serverId,
    request,
  })
  return {
    async seal(state, binding) {
      // Loaded when the first server asks for a second round: most never do, and every start would pay for it.
      const { EncryptJWT } = await import('jose')
      const [key] = deps.keys()
      if (!key) throw new GatewayError('internal', 'no key for states')
      const expires = Math.ceil((deps.runtime.now() + deps.lifetime()) / 1000)
      return new EncryptJWT({ ...claims(binding), state })
        .setProtectedHeader({ ...ALGORITHM, typ: TYPE })
        .setExpirationTime(expires)
        .encrypt(key)
    },
    async open(token, binding) {
      const { jwtDecrypt } = await import('jose')
      for (const key of deps.keys()) {
        try {
          const { payload } = await jwtDecrypt<{ state: RequestState }>(token, key, {
            keyManagementAlgorithms: [ALGORITHM.alg],
            contentEncryptionAlgorithms: [ALGORITHM.enc],
            typ: TYPE,
            requiredClaims: ['exp'],
            currentDate: new Date(deps.runtime.now()),
          })
          const bound = Object.entries(claims(binding)).every(([name, value]) => payload[name] === value)
          if (bound) return payload.state
        } catch {
          // Made with another key, changed, too old, or no token at all: one answer for all.
        }
      }
      throw new GatewayError('rpc.state_invalid')
    },
  }
}

const ofLaterRounds = new Set(['_meta', 'inputResponses', 'requestState'])

/** Names a request whatever order its members are written in: the second round of it has the same name. */
export function requestDigest(message: Envelope): string {
  const params: unknown = message.params ? JSON.parse(decodeUtf8(rawOf(message.bytes, message.params))) : {}
  const own = Object.entries(params as object).filter(([key]) => !ofLaterRounds.has(key))
  return createHash('sha256')
    .update(JSON.stringify([message.method, sorted(Object.fromEntries(own))]))
    .digest('base64url')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, inner]) => [key, sorted(inner)])
}
