import { type AccessKey, type Identity, keyState } from '../domain/client'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import type { KeyStore } from '../store/keys'
import { hashAccessKey, isAccessKey } from './access-key'
import { createFailureLimit } from './failure-limit'
import type { KeyUsage } from './key-usage'

/** Who a request comes from, and until when (epoch milliseconds) the key or access token that says so counts. */
export interface Proof {
  identity: Identity
  by: 'key' | 'token'
  expiresAt: number | null
  /** Which state of the keys it was looked up in. */
  asOf: number
}

/** Knows access tokens of clients that signed in. */
export interface TokenReader {
  /** Whether a credential is written as one. */
  isShaped(text: string): boolean
  /** Who may use it at this address (without query), until when; `expired` for one that was right once. */
  read(
    text: string,
    address: string,
  ): Promise<{ clientId: string; signInId: string; expiresAt: number } | 'expired' | null>
  /** Whether the sign-in of a client counts now. */
  counts(signInId: string, clientId: string): boolean
}

/**
 * Tells a client by its access key, sent as `Authorization: Bearer mcp_…`, `Authorization: MCP-Key mcp_…` or
 * `MCP-Key: mcp_…`, or by the access token of its sign-in, sent as `Authorization: Bearer …`: one of them, once, and never
 * in the address. Throws `auth.missing_key`, `auth.invalid_key` and `auth.invalid_token` (one answer for unknown,
 * revoked and expired) and, when there were many failures, `auth.too_many_failures`.
 */
export interface Authenticator {
  /** A promise only for a token that was not seen lately. */
  authenticate(request: Request, remote: () => string): Proof | Promise<Proof>
  /** For what comes after a wait: throws when the credential was revoked, replaced or ran out since. */
  confirm(proof: Proof): void
  close(): void
}

/** Why a key does not count. `place`: it was in the address, or there were two. `token`: it is a token that does not. */
export interface KeyFailure {
  why: 'malformed' | 'unknown' | 'revoked' | 'expired' | 'place' | 'token'
  identity: Identity | null
}

const MOST_REMEMBERED = 1024
const misplaced: KeyFailure = { why: 'place', identity: null }
const forged: KeyFailure = { why: 'token', identity: null }
const CREDENTIAL = /^(?:bearer|mcp-key) +(\S+)$/i
const BEARER = /^bearer +(\S+)$/i

/** Remembers headers that passed until any key changes, so that a call costs no hash and no look into the store. */
export function createAuthenticator(deps: {
  keys: Pick<KeyStore, 'findByHash' | 'list'>
  usage: KeyUsage
  runtime: Pick<Runtime, 'now' | 'monotonic'>
  events: EventBus
  tokens: TokenReader
  /** Told of every key and token that does not count, and whose it was where that is known. */
  refused?: (failure: KeyFailure) => void
}): Authenticator {
  const { keys, usage, runtime, tokens } = deps
  const limit = createFailureLimit(() => runtime.monotonic())
  // Raw header value → proof, one map per header. Only values that passed are in here.
  const byAuthorization = new Map<string, Proof>()
  const byKeyHeader = new Map<string, Proof>()
  // Address and raw header value, because a token counts at one address only.
  const byToken = new Map<string, Proof>()
  let state = 0
  const forget = (): void => {
    state += 1
    byAuthorization.clear()
    byKeyHeader.clear()
    byToken.clear()
  }
  const stopListening = (['client.revoked', 'client.changed', 'key.ended'] as const).map((change) =>
    deps.events.on(change, forget),
  )

  const failureOf = (key: AccessKey, now: number): 'revoked' | 'expired' | null => {
    const state = keyState(key, now)
    return state === 'revoked' || state === 'expired' ? state : null
  }

  const lookUp = (text: string, now: number): Proof | KeyFailure => {
    if (!isAccessKey(text)) return { why: 'malformed', identity: null }
    // The index compares hashes, so how long it takes tells nothing about the key.
    const key = keys.findByHash(hashAccessKey(text))
    if (!key) return { why: 'unknown', identity: null }
    const identity = { clientId: key.clientId, credentialId: key.id }
    const why = failureOf(key, now)
    return why ? { why, identity } : { identity, by: 'key', expiresAt: key.expiresAt, asOf: state }
  }

  const refuse = (
    remote: () => string,
    failure: KeyFailure,
    code: 'auth.invalid_key' | 'auth.invalid_token' = 'auth.invalid_key',
  ): never => {
    deps.refused?.(failure)
    if (!limit.note(remote())) throw new GatewayError('auth.too_many_failures')
    throw new GatewayError(code)
  }

  const remember = (known: Map<string, Proof>, name: string, proof: Proof): void => {
    if (known.size >= MOST_REMEMBERED) known.clear()
    known.set(name, proof)
  }

  /** A token that ran out is no guess: its client renews it. */
  const ranOut = () => new GatewayError('auth.invalid_token', 'it ran out; renew it')

  async function byNewToken(
    text: string,
    name: string,
    address: string,
    remote: () => string,
  ): Promise<Proof> {
    const asOf = state
    const read = await tokens.read(text, address)
    if (read === 'expired') throw ranOut()
    if (read === null) return refuse(remote, forged, 'auth.invalid_token')
    const { clientId, signInId: credentialId, expiresAt } = read
    const proof: Proof = { identity: { clientId, credentialId }, by: 'token', expiresAt, asOf }
    // Something may have been revoked since; `confirm` looks again.
    if (asOf === state) remember(byToken, name, proof)
    usage.used(proof.identity, runtime.now())
    return proof
  }

  function byAccessToken(
    text: string,
    raw: string,
    url: string,
    remote: () => string,
  ): Proof | Promise<Proof> {
    const query = url.indexOf('?')
    const address = query < 0 ? url : url.slice(0, query)
    const name = `${address} ${raw}`
    const proof = byToken.get(name)
    if (!proof) return byNewToken(text, name, address, remote)
    const now = runtime.now()
    if (proof.expiresAt !== null && proof.expiresAt <= now) {
      byToken.delete(name)
      throw ranOut()
    }
    usage.used(proof.identity, now)
    return proof
  }

  const stillCounts = ({ identity: { clientId, credentialId }, by }: Proof, now: number): boolean => {
    if (by === 'token') return tokens.counts(credentialId, clientId)
    const key = keys.list(clientId).find(({ id }) => id === credentialId)
    return key !== undefined && failureOf(key, now) === null
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
        const bearer = authorization === null ? undefined : BEARER.exec(raw)?.[1]
        if (bearer !== undefined && tokens.isShaped(bearer))
          return byAccessToken(bearer, raw, request.url, remote)
        const text = authorization === null ? raw : (CREDENTIAL.exec(raw)?.[1] ?? '')
        const found = lookUp(text, now)
        if ('why' in found) return refuse(remote, found)
        proof = found
        remember(remembered, raw, proof)
      } else if (proof.expiresAt !== null && proof.expiresAt <= now) {
        remembered.delete(raw)
        return refuse(remote, { why: 'expired', identity: proof.identity })
      }
      usage.used(proof.identity, now)
      return proof
    },
    confirm(proof) {
      const { expiresAt, asOf } = proof
      if (asOf === state && expiresAt === null) return
      const now = runtime.now()
      const inTime = expiresAt === null || expiresAt > now
      if (asOf === state && inTime) return
      if (!inTime || !stillCounts(proof, now))
        throw new GatewayError(proof.by === 'key' ? 'auth.invalid_key' : 'auth.invalid_token')
    },
    close() {
      for (const stop of stopListening) stop()
      forget()
      usage.close()
    },
  }
}
