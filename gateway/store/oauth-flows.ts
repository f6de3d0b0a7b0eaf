import type { FlowPhase } from '../domain/authorization'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

/** One sign-in at an authorization server, under way or over. Times in epoch milliseconds. */
export interface StoredFlow {
  id: string
  /** SHA-256 of its state. */
  stateHash: Uint8Array
  serverId: string
  spaceId: string
  issuer: string
  resource: string
  scope: string | null
  clientId: string
  redirectUri: string
  keyId: string
  envelope: Uint8Array
  phase: FlowPhase
  error: string | null
  detail: string | null
  createdAt: number
  expiresAt: number
}

export interface FlowStore {
  get(id: string): StoredFlow | null
  byState(stateHash: Uint8Array): StoredFlow | null
  /** Newest first; those of one server, or all. */
  list(serverId?: string): StoredFlow[]
  /** Throws `server.unknown` when the server is not in that Space. */
  add(flow: Omit<StoredFlow, 'phase' | 'error' | 'detail' | 'createdAt'>): StoredFlow
  /** Takes the flow from one phase to the next; false when it is not in that phase, so that each step is taken once. */
  step(id: string, from: FlowPhase, to: FlowPhase, why?: { error: string; detail: string | null }): boolean
  /** Removes what is over of one server. */
  forget(serverId: string): void
  /** Removes what is over and was begun before this time. */
  expire(before: number): void
}

interface Row {
  id: string
  state_hash: Uint8Array
  server_id: string
  space_id: string
  issuer: string
  resource: string
  scope: string | null
  client_id: string
  redirect_uri: string
  key_id: string
  envelope: Uint8Array
  phase: FlowPhase
  error: string | null
  detail: string | null
  created_at: number
  expires_at: number
}

const toFlow = (row: Row): StoredFlow => ({
  id: row.id,
  stateHash: row.state_hash,
  serverId: row.server_id,
  spaceId: row.space_id,
  issuer: row.issuer,
  resource: row.resource,
  scope: row.scope,
  clientId: row.client_id,
  redirectUri: row.redirect_uri,
  keyId: row.key_id,
  envelope: row.envelope,
  phase: row.phase,
  error: row.error,
  detail: row.detail,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

/** Sign-ins under way outlive a restart: a person may need longer than that in the browser. */
export function createFlowStore(db: Database, runtime: Pick<Runtime, 'now'>): FlowStore {
  const one = db.statement<Row>('SELECT * FROM oauth_flows WHERE id = $id')
  const byState = db.statement<Row>('SELECT * FROM oauth_flows WHERE state_hash = $stateHash')
  const all = db.statement<Row>('SELECT * FROM oauth_flows ORDER BY created_at DESC, id')
  const ofServer = db.statement<Row>(
    'SELECT * FROM oauth_flows WHERE server_id = $serverId ORDER BY created_at DESC, id',
  )
  const server = db.statement('SELECT 1 FROM servers WHERE id = $serverId AND space_id = $spaceId')
  const insert = db.statement(`
    INSERT INTO oauth_flows (id, state_hash, server_id, space_id, issuer, resource, scope, client_id, redirect_uri,
      key_id, envelope, phase, created_at, expires_at)
    VALUES ($id, $stateHash, $serverId, $spaceId, $issuer, $resource, $scope, $clientId, $redirectUri,
      $keyId, $envelope, 'waiting', $createdAt, $expiresAt)`)
  const step = db.statement(
    'UPDATE oauth_flows SET phase = $to, error = $error, detail = $detail WHERE id = $id AND phase = $from',
  )
  const drop = db.statement(
    "DELETE FROM oauth_flows WHERE created_at < $before AND phase NOT IN ('waiting', 'received')",
  )
  const forget = db.statement(
    "DELETE FROM oauth_flows WHERE server_id = $serverId AND phase NOT IN ('waiting', 'received')",
  )

  return {
    get(id) {
      const row = one.get({ id })
      return row && toFlow(row)
    },
    byState(stateHash) {
      const row = byState.get({ stateHash })
      return row && toFlow(row)
    },
    list: (serverId) => (serverId === undefined ? all.all() : ofServer.all({ serverId })).map(toFlow),
    add: (flow) =>
      db.transaction(() => {
        if (!server.get({ serverId: flow.serverId, spaceId: flow.spaceId }))
          throw new GatewayError('server.unknown')
        const createdAt = runtime.now()
        insert.run({ ...flow, createdAt })
        return { ...flow, createdAt, phase: 'waiting', error: null, detail: null }
      }),
    step: (id, from, to, why) =>
      step.run({ id, from, to, error: why?.error ?? null, detail: why?.detail ?? null }) > 0,
    forget(serverId) {
      forget.run({ serverId })
    },
    expire(before) {
      drop.run({ before })
    },
  }
}
