import type { AccessKey, Identity } from '../domain/client'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import type { KeyStore } from '../store/keys'
import { hashAccessKey, isAccessKey } from './access-key'
import { createFailureLimit } from './failure-limit'
import type { KeyUsage } from './key-usage'

/** Who a request comes from, and until when (epoch milliseconds) the key that says so counts. */
export interface Proof {
  identity: Identity
  expiresAt: number | null
  /** Which state of the keys it was looked up in. */
  asOf: number
}

/**
 * Tells a client by its access key, sent as `Authorization: Bearer mcp_…`, `Authorization: MCP-Key mcp_…` or
 * `MCP-Key: mcp_…`: one of them, once, and never in the address.
 * Throws `auth.missing_key`, `auth.invalid_key` (one answer for unknown, revoked and expired) and, when there were
 * many failures, `auth.too_many_failures`.
 */
export interface Authenticator {
  authenticate(request: Request, remote: () => string): Proof
  /** For what comes after a wait: throws `auth.invalid_key` when the key was revoked, replaced or ran out since. */
  confirm(proof: Proof): void
  close(): void
}

/** Why a key does not count. `place`: it was in the address, or there were two. */
export interface KeyFailure {
  why: 'malformed' | 'unknown' | 'revoked' | 'expired' | 'place'
  identity: Identity | null
}

const MOST_REMEMBERED = 1024
const misplaced: KeyFailure = { why: 'place', identity: null }
const CREDENTIAL = /^(?:bearer|mcp-key) +(\S+)$/i

/** Remembers headers that passed until any key changes, so that a call costs no hash and no look into the store. */
export function createAuthenticator(deps: {
  keys: Pick<KeyStore, 'findByHash' | 'list'>
  usage: KeyUsage
  runtime: Pick<Runtime, 'now' | 'monotonic'>
  events: EventBus
  /** Told of every key that does not count, and whose it was where that is known. */
  refused?: (failure: KeyFailure) => void
}): Authenticator {
  const { keys, usage, runtime } = deps
  const limit = createFailureLimit(() => runtime.monotonic())
  // Raw header value → proof, one map per header. Only values that passed are in here.
  const byAuthorization = new Map<string, Proof>()
  const byKeyHeader = new Map<string, Proof>()
  let state = 0
  const forget = (): void => {
    state += 1
    byAuthorization.clear()
    byKeyHeader.clear()
  }
  const stopListening = (['client.revoked', 'client.changed', 'key.rotated'] as const).map((change) =>
    deps.events.on(change, forget),
  )

  const failureOf = (key: AccessKey, now: number): 'revoked' | 'expired' | null => {
    if (key.revokedAt !== null) return 'revoked'
    return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : null
  }

  const lookUp = (text: string, now: number): Proof | KeyFailure => {
    if (!isAccessKey(text)) return { why: 'malformed', identity: null }
    // The index compares hashes, so how long it takes tells nothing about the key.
    const key = keys.findByHash(hashAccessKey(text))
    if (!key) return { why: 'unknown', identity: null }
    const identity = { clientId: key.clientId, credentialId: key.id }
    const why = failureOf(key, now)
    return why ? { why, identity } : { identity, expiresAt: key.expiresAt, asOf: state }
  }

  const refuse = (remote: () => string, failure: KeyFailure): never => {
    deps.refused?.(failure)
    if (!limit.note(remote())) throw new GatewayError('auth.too_many_failures')
    throw new GatewayError('auth.invalid_key')
  }

  return {
    authenticate(request, remote) {
      const authorization = request.headers.get('authorization')
      const keyHeader = request.headers.get('mcp-key')
      if (request.url.includes('mcp_')) return refuse(remote, misplaced)
      const raw = authorization ?? keyHeader
      if (raw === null) throw new GatewayError('auth.missing_key')
      if (authorization !== null && keyHeader !== null) return refuse(remote, misplaced)

      const remembered = authorization === null ? byKeyHeader : byAuthorization
      const now = runtime.now()
      let proof = remembered.get(raw) ?? null
      if (!proof) {
        const text = authorization === null ? raw : (CREDENTIAL.exec(raw)?.[1] ?? '')
        const found = lookUp(text, now)
        if ('why' in found) return refuse(remote, found)
        proof = found
        if (remembered.size >= MOST_REMEMBERED) remembered.clear()
        remembered.set(raw, proof)
      } else if (proof.expiresAt !== null && proof.expiresAt <= now) {
        remembered.delete(raw)
        return refuse(remote, { why: 'expired', identity: proof.identity })
      }
      usage.used(proof.identity, now)
      return proof
    },
    confirm({ identity, expiresAt, asOf }) {
      if (asOf === state && expiresAt === null) return
      const now = runtime.now()
      if (asOf === state && expiresAt !== null && expiresAt > now) return
      const key = keys.list(identity.clientId).find(({ id }) => id === identity.credentialId)
      if (!key || failureOf(key, now)) throw new GatewayError('auth.invalid_key')
    },
    close() {
      for (const stop of stopListening) stop()
      forget()
      usage.close()
    },
  }
}
