// Flows as they are stored: what is secret of them sealed, their state as a hash only.
import { createHash } from 'node:crypto'
import type { FlowPhase, IssuerMetadata } from '../domain/authorization'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Runtime } from '../runtime'
import type { Place } from '../secrets/envelope'
import { Secret } from '../secrets/secret'
import type { Vault } from '../secrets/vault'
import type { FlowStore, StoredFlow } from '../store/oauth-flows'
import type { TokenStore } from '../store/oauth-tokens'
import type { FlowView } from './flow-view'
import type { HeldRegistration } from './registrations'
import { addedScope } from './scopes'

/** What only this flow and the browser know. `registration`: one that is stored when the flow is done, not before. */
export interface SealedFlow {
  verifier: Secret
  /** Sealed too: who writes to the file cannot have the code sent elsewhere. */
  metadata: IssuerMetadata
  url: Secret
  registration: HeldRegistration | null
}

export interface FlowRows {
  add(
    flow: Omit<
      StoredFlow,
      'phase' | 'error' | 'detail' | 'createdAt' | 'keyId' | 'envelope' | 'stateHash'
    > & {
      state: Secret
      sealed: SealedFlow
    },
  ): StoredFlow
  get(id: string): StoredFlow | null
  byState(state: string): StoredFlow | null
  list(serverId?: string): StoredFlow[]
  /** The one of a server that waits for the browser. */
  live(serverId: string): StoredFlow | null
  /** Takes it on and tells of it; false when it is not in that phase any more. */
  step(flow: StoredFlow, from: FlowPhase, to: FlowPhase, why?: GatewayError): boolean
  /** Throws what the vault says; null when it was not sealed for this flow. */
  open(flow: StoredFlow): SealedFlow | null
  view(flow: StoredFlow): FlowView
  /** Whoever signs out begins anew: what came before does not count any more. */
  forget(serverId: string): void
  /** What waited too long is over; what is over for a day is forgotten. */
  expire(): void
}

const KEPT = 24 * 3_600_000

const hashOf = (state: string): Uint8Array => new Uint8Array(createHash('sha256').update(state).digest())

const placeOf = (flow: Pick<StoredFlow, 'id' | 'spaceId'>): Place => ({
  table: 'oauth_flows',
  column: 'envelope',
  row: flow.id,
  space: flow.spaceId,
})

/** Longer than a code takes to be traded. Milliseconds. */
const TRADE_MS = 60_000

export function createFlowRows(deps: {
  store: FlowStore
  tokens: Pick<TokenStore, 'get'>
  vault: Pick<Vault, 'seal' | 'open' | 'state'>
  events: EventBus
  runtime: Pick<Runtime, 'now'>
}): FlowRows {
  const { store, tokens, vault, events, runtime } = deps

  const tell = ({ id, serverId, spaceId }: StoredFlow, phase: FlowPhase): void =>
    events.emit('flow.changed', { flowId: id, serverId, spaceId, phase })

  function step(flow: StoredFlow, from: FlowPhase, to: FlowPhase, why?: GatewayError): boolean {
    const reason = why && { error: why.code, detail: why.message }
    if (!store.step(flow.id, from, to, reason)) return false
    tell(flow, to)
    return true
  }

  /** As it is at this time. */
  function now(flow: StoredFlow | null): StoredFlow | null {
    if (!flow || flow.expiresAt > runtime.now()) return flow
    if (flow.phase === 'waiting') step(flow, 'waiting', 'expired')
    // Its end could not be written down, on a full disk for one.
    else if (flow.phase === 'received' && flow.expiresAt + TRADE_MS <= runtime.now())
      step(flow, 'received', 'failed', new GatewayError('oauth.interrupted', 'how it went was not noted'))
    else return flow
    return store.get(flow.id)
  }

  function seal(
    flow: Pick<StoredFlow, 'id' | 'spaceId'>,
    { verifier, metadata, url, registration }: SealedFlow,
  ) {
    const text = JSON.stringify({
      metadata,
      verifier: verifier.reveal(),
      url: url.reveal(),
      registration: registration && {
        ...registration,
        clientSecret: registration.clientSecret?.reveal() ?? null,
        management: registration.management && {
          uri: registration.management.uri,
          token: registration.management.token.reveal(),
        },
      },
    })
    return vault.seal(placeOf(flow), new Secret(text))
  }

  function open(flow: StoredFlow): SealedFlow | null {
    const opened = vault.open(placeOf(flow), flow.envelope)
    if (!opened) return null
    const { verifier, metadata, url, registration } = JSON.parse(opened.reveal()) as {
      verifier: string
      metadata: IssuerMetadata
      url: string
      registration:
        | (Omit<HeldRegistration, 'clientSecret' | 'management'> & {
            clientSecret: string | null
            management: { uri: string; token: string } | null
          })
        | null
    }
    // Sealed with the same words as it is shown with.
    if (metadata.issuer !== flow.issuer) return null
    return {
      verifier: new Secret(verifier),
      metadata,
      url: new Secret(url),
      registration: registration && {
        ...registration,
        clientSecret: registration.clientSecret === null ? null : new Secret(registration.clientSecret),
        management: registration.management && {
          uri: registration.management.uri,
          token: new Secret(registration.management.token),
        },
      },
    }
  }

  function urlOf(flow: StoredFlow): string | null {
    if (flow.phase !== 'waiting' || vault.state().status !== 'open') return null
    return open(flow)?.url.reveal() ?? null
  }

  return {
    step,
    open,
    add({ state, sealed, ...flow }) {
      const added = store.add({
        ...flow,
        ...seal(flow, sealed),
        stateHash: hashOf(state.reveal()),
      })
      tell(added, added.phase)
      return added
    },
    get: (id) => now(store.get(id)),
    byState: (state) => now(store.byState(hashOf(state))),
    list: (serverId) => store.list(serverId).flatMap((flow) => now(flow) ?? []),
    live: (serverId) =>
      store
        .list(serverId)
        .flatMap((flow) => now(flow) ?? [])
        .find(({ phase }) => phase === 'waiting') ?? null,
    view(flow) {
      const { id, serverId, spaceId, issuer, resource, scope, phase, error, detail, createdAt, expiresAt } =
        flow
      const granted = tokens.get({ serverId, issuer, resource })
      return {
        ...{ id, serverId, spaceId, issuer, resource, scope },
        addedScope: granted ? addedScope(scope, granted.scope) : null,
        ...{ phase, error, detail, createdAt, expiresAt },
        url: urlOf(flow),
      }
    },
    forget: (serverId) => store.forget(serverId),
    expire() {
      for (const flow of store.list()) now(flow)
      store.expire(runtime.now() - KEPT)
    },
  }
}
