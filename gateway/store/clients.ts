import type { Client } from '../domain/client'
import type { Grant } from '../domain/policy'
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { Database } from './database'

export interface ClientStore {
  list(): Client[]
  /** Throws `client.unknown`. */
  get(id: string): Client
  /** In any case; null when there is none. */
  findByName(name: string): Client | null
  /** Throws `client.exists` for a taken name, `space.unknown`, `input.invalid`. */
  create(input: { name: string; spaceId: string | null }): Client
  /** A pin ends the asking, and the other way round. Throws `client.unknown`, `client.exists`, `space.unknown`, `input.invalid`. */
  update(
    id: string,
    patch: Partial<Pick<Client, 'name' | 'spaceId' | 'everywhere' | 'asks' | 'lastSeenAt'>>,
  ): Client
  /** Removes a client with its keys, grants and sessions. Throws `client.unknown`. */
  remove(id: string): void
  /** All grants, or those of one client. */
  grants(clientId?: string): Grant[]
  /** Idempotent. Throws `client.unknown`, or `set.unknown` when the set is not in that Space. */
  grant(grant: Grant): void
  /** Idempotent. */
  revokeGrant(grant: Grant): void
}

interface Row {
  id: string
  name: string
  space_id: string | null
  everywhere: number
  asks: number
  created_at: number
  last_seen_at: number | null
}

interface GrantRow {
  client_id: string
  space_id: string
  set_id: string
}

const toClient = (row: Row): Client => ({
  id: row.id,
  name: row.name,
  spaceId: row.space_id,
  everywhere: row.everywhere === 1,
  asks: row.asks === 1,
  createdAt: row.created_at,
  lastSeenAt: row.last_seen_at,
})

const toGrant = (row: GrantRow): Grant => ({
  clientId: row.client_id,
  spaceId: row.space_id,
  setId: row.set_id,
})

/** Clients and their grants. */
export function createClientStore(db: Database, runtime: Pick<Runtime, 'now' | 'newId'>): ClientStore {
  const all = db.statement<Row>('SELECT * FROM clients ORDER BY created_at, name')
  const byId = db.statement<Row>('SELECT * FROM clients WHERE id = $id')
  const byName = db.statement<Row>('SELECT * FROM clients WHERE name = $name')
  const space = db.statement('SELECT 1 FROM spaces WHERE id = $id')
  const setOfSpace = db.statement('SELECT 1 FROM feature_sets WHERE id = $setId AND space_id = $spaceId')
  const insert = db.statement(
    'INSERT INTO clients (id, name, space_id, created_at) VALUES ($id, $name, $spaceId, $createdAt)',
  )
  const change = db.statement(
    `UPDATE clients
    SET name = $name, space_id = $spaceId, everywhere = $everywhere, asks = $asks, last_seen_at = $lastSeenAt
    WHERE id = $id`,
  )
  const drop = db.statement('DELETE FROM clients WHERE id = $id')
  const allGrants = db.statement<GrantRow>('SELECT * FROM grants')
  const grantsOf = db.statement<GrantRow>('SELECT * FROM grants WHERE client_id = $clientId')
  const insertGrant = db.statement(`
    INSERT INTO grants (client_id, space_id, set_id) VALUES ($clientId, $spaceId, $setId) ON CONFLICT DO NOTHING`)
  const dropGrant = db.statement(
    'DELETE FROM grants WHERE client_id = $clientId AND space_id = $spaceId AND set_id = $setId',
  )

  const rowOf = (id: string): Row => {
    const row = byId.get({ id })
    if (!row) throw new GatewayError('client.unknown')
    return row
  }

  const check = (text: string, spaceId: string | null, ownId: string | null): string => {
    const name = text.trim()
    if (!name) throw new GatewayError('input.invalid', 'a client needs a name')
    const taken = byName.get({ name })
    if (taken && taken.id !== ownId) throw new GatewayError('client.exists', name)
    if (spaceId !== null && !space.get({ id: spaceId })) throw new GatewayError('space.unknown')
    return name
  }

  return {
    list: () => all.all().map(toClient),
    get: (id) => toClient(rowOf(id)),
    findByName(name) {
      const row = byName.get({ name: name.trim() })
      return row && toClient(row)
    },
    create: ({ name, spaceId }) =>
      db.transaction(() => {
        const id = runtime.newId()
        insert.run({ id, name: check(name, spaceId, null), spaceId, createdAt: runtime.now() })
        return toClient(rowOf(id))
      }),
    update: (id, patch) =>
      db.transaction(() => {
        const before = rowOf(id)
        const asks = patch.asks ?? (patch.spaceId === undefined && before.asks === 1)
        const pin = patch.spaceId === undefined ? before.space_id : patch.spaceId
        const spaceId = asks ? null : pin
        change.run({
          id,
          name: check(patch.name ?? before.name, spaceId, id),
          spaceId,
          everywhere: patch.everywhere === undefined ? before.everywhere : Number(patch.everywhere),
          asks: asks ? 1 : 0,
          lastSeenAt: patch.lastSeenAt === undefined ? before.last_seen_at : patch.lastSeenAt,
        })
        return toClient(rowOf(id))
      }),
    remove(id) {
      if (drop.run({ id }) === 0) throw new GatewayError('client.unknown')
    },
    grants: (clientId) =>
      (clientId === undefined ? allGrants.all() : grantsOf.all({ clientId })).map(toGrant),
    grant: ({ clientId, spaceId, setId }) =>
      db.transaction(() => {
        rowOf(clientId)
        if (!setOfSpace.get({ setId, spaceId })) throw new GatewayError('set.unknown')
        insertGrant.run({ clientId, spaceId, setId })
      }),
    revokeGrant: ({ clientId, spaceId, setId }) => {
      dropGrant.run({ clientId, spaceId, setId })
    },
  }
}
