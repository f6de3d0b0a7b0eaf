import { type LogLevel, logLevels } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { Database } from './database'

/** What a session needs to go on after a restart. */
export interface StoredSession {
  /** SHA-256 (hex) of the session id, never the id. */
  id: string
  clientId: string
  protocolVersion: string
  /** Raw JSON objects of the client's initialize. */
  clientInfo: string
  clientCapabilities: string
  logLevel: LogLevel | null
  createdAt: number
  lastSeenAt: number
}

/** A resource of a server that a session wants to hear of; `uri` is the server's own. */
export interface StoredSubscription {
  serverId: string
  uri: string
}

export interface SessionStore {
  /** Throws `client.unknown`. */
  save(session: StoredSession): void
  get(id: string): StoredSession | null
  /** Nothing happens when there is no such session. */
  update(id: string, patch: Partial<Pick<StoredSession, 'logLevel' | 'lastSeenAt'>>): void
  remove(id: string): void
  removeForClient(clientId: string): void
  /** Removes all but the `most` last seen sessions of a client. */
  keepNewest(clientId: string, most: number): void
  /** Removes sessions last seen before this time; returns how many. */
  expire(before: number): number
  subscriptions(id: string): StoredSubscription[]
  /** Kept as long as session and server are; nothing happens without them, or beyond 1024 of one session. */
  subscribe(id: string, subscription: StoredSubscription): void
  unsubscribe(id: string, subscription: StoredSubscription): void
}

interface Row {
  id: string
  client_id: string
  protocol_version: string
  client_info: string
  client_capabilities: string
  log_level: string | null
  created_at: number
  last_seen_at: number
}

const toSession = (row: Row): StoredSession => ({
  id: row.id,
  clientId: row.client_id,
  protocolVersion: row.protocol_version,
  clientInfo: row.client_info,
  clientCapabilities: row.client_capabilities,
  logLevel: logLevels.find((level) => level === row.log_level) ?? null,
  createdAt: row.created_at,
  lastSeenAt: row.last_seen_at,
})

/** Sessions of the older protocol era. */
export function createSessionStore(db: Database): SessionStore {
  const byId = db.statement<Row>('SELECT * FROM sessions WHERE id = $id')
  const client = db.statement('SELECT 1 FROM clients WHERE id = $clientId')
  const put = db.statement(`
    INSERT OR REPLACE INTO sessions (id, client_id, protocol_version, client_info, client_capabilities, log_level,
      created_at, last_seen_at)
    VALUES ($id, $clientId, $protocolVersion, $clientInfo, $clientCapabilities, $logLevel, $createdAt,
      $lastSeenAt)`)
  const change = db.statement(
    'UPDATE sessions SET log_level = $logLevel, last_seen_at = $lastSeenAt WHERE id = $id',
  )
  const drop = db.statement('DELETE FROM sessions WHERE id = $id')
  const dropOfClient = db.statement('DELETE FROM sessions WHERE client_id = $clientId')
  const dropOldest = db.statement(`
    DELETE FROM sessions WHERE client_id = $clientId AND id NOT IN (
      SELECT id FROM sessions WHERE client_id = $clientId ORDER BY last_seen_at DESC LIMIT $most)`)
  const dropOlder = db.statement('DELETE FROM sessions WHERE last_seen_at < $before')

  const subscribed = db.statement<{ server_id: string; uri: string }>(
    'SELECT server_id, uri FROM session_subscriptions WHERE session_id = $id',
  )
  const addSubscription = db.statement(`
    INSERT OR IGNORE INTO session_subscriptions (session_id, server_id, uri)
    SELECT sessions.id, servers.id, $uri FROM sessions, servers
    WHERE sessions.id = $id AND servers.id = $serverId
      AND (SELECT count(*) FROM session_subscriptions WHERE session_id = $id) < 1024`)
  const dropSubscription = db.statement(
    'DELETE FROM session_subscriptions WHERE session_id = $id AND server_id = $serverId AND uri = $uri',
  )

  return {
    save: (session) =>
      db.transaction(() => {
        if (!client.get({ clientId: session.clientId })) throw new GatewayError('client.unknown')
        put.run({ ...session })
      }),
    get(id) {
      const row = byId.get({ id })
      return row && toSession(row)
    },
    update(id, patch) {
      const before = byId.get({ id })
      if (!before) return
      change.run({
        id,
        logLevel: patch.logLevel === undefined ? before.log_level : patch.logLevel,
        lastSeenAt: patch.lastSeenAt ?? before.last_seen_at,
      })
    },
    remove: (id) => {
      drop.run({ id })
    },
    removeForClient: (clientId) => {
      dropOfClient.run({ clientId })
    },
    keepNewest: (clientId, most) => {
      dropOldest.run({ clientId, most })
    },
    expire: (before) => dropOlder.run({ before }),
    subscriptions: (id) => subscribed.all({ id }).map(({ server_id, uri }) => ({ serverId: server_id, uri })),
    subscribe: (id, { serverId, uri }) => {
      addSubscription.run({ id, serverId, uri })
    },
    unsubscribe: (id, { serverId, uri }) => {
      dropSubscription.run({ id, serverId, uri })
    },
  }
}
