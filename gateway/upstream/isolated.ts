import type { Exchange } from '../domain/exchange'
import type { Server } from '../domain/server'
import { GatewayError } from '../errors'
import type { Upstream } from './upstream'

/** Whose own an upstream is. */
interface Own {
  clientId: string
  /** The session it is of; null for one of the whole client. */
  conversation: string | null
  upstream: Upstream
}

/** Upstreams of servers that do not share theirs: one for each client or session that uses them. */
export interface Isolated {
  /**
   * The one this caller uses; null where it is the shared one. Over the limit one that rests makes room; throws
   * `upstream.busy` when none does.
   */
  of(server: Server, exchange: Exchange): Upstream | null
  /** The one of a session, if there is one. */
  ofSession(serverId: string, conversation: string): Upstream | null
  /** Those of one server, or all. */
  list(serverId?: string): Upstream[]
  /** Follows a changed row; those it does not ask for any more end. */
  reconcile(server: Server): Promise<void>
  /** Ends those of one server. */
  end(serverId: string): Promise<void>
  /** A session is over, or out of memory: its own end, and everybody else lets go of it. */
  release(conversation: string): Promise<void>
  /** A client is gone. */
  leave(clientId: string): Promise<void>
}

export function createIsolated(deps: {
  make(server: Server): Upstream
  /** Upstreams one server may have at once. */
  most: () => number
}): Isolated {
  const servers = new Map<string, Map<string, Own>>()

  const all = (serverId?: string): Own[] =>
    (serverId === undefined
      ? [...servers.values()]
      : [servers.get(serverId) ?? new Map<string, Own>()]
    ).flatMap((owns) => [...owns.values()])

  async function drop(concerned: (own: Own) => boolean, serverId?: string): Promise<void> {
    const ending: Promise<void>[] = []
    for (const [id, owns] of servers) {
      if (serverId !== undefined && id !== serverId) continue
      for (const [key, own] of owns) {
        if (!concerned(own)) continue
        owns.delete(key)
        ending.push(own.upstream.end())
      }
      if (owns.size === 0) servers.delete(id)
    }
    await Promise.all(ending)
  }

  /** Whoever used it gets another one when they come again. */
  function makeRoom(owns: Map<string, Own>): void {
    for (const [key, { upstream }] of owns) {
      if (!upstream.rests) continue
      owns.delete(key)
      // Nothing of it is left to end that could fail.
      void upstream.end()
      return
    }
  }

  return {
    of(server, { era, conversation, identity: { clientId } }) {
      if (server.isolation === 'shared' || conversation === null) return null
      // A stream of changes has a label of its own and is no session.
      const bySession = server.isolation === 'session' && era === 'legacy' && !conversation.includes(':')
      const key = bySession ? conversation : clientId
      const owns = servers.get(server.id) ?? new Map<string, Own>()
      const known = owns.get(key)
      if (known) return known.upstream
      if (owns.size >= deps.most()) makeRoom(owns)
      if (owns.size >= deps.most())
        throw new GatewayError('upstream.busy', `it has ${owns.size} processes (limits.isolated)`)
      const upstream = deps.make(server)
      owns.set(key, { clientId, conversation: bySession ? conversation : null, upstream })
      servers.set(server.id, owns)
      return upstream
    },
    ofSession: (serverId, conversation) => servers.get(serverId)?.get(conversation)?.upstream ?? null,
    list: (serverId) => all(serverId).map(({ upstream }) => upstream),
    async reconcile(server) {
      const unwanted = ({ conversation }: Own) =>
        server.isolation === 'shared' || (server.isolation === 'client' && conversation !== null)
      await drop(unwanted, server.id)
      await Promise.all(all(server.id).map(({ upstream }) => upstream.reconcile(server)))
    },
    end: (serverId) => drop(() => true, serverId),
    async release(conversation) {
      for (const { upstream } of all()) upstream.release(conversation)
      await drop((own) => own.conversation === conversation)
    },
    leave: (clientId) => drop((own) => own.clientId === clientId),
  }
}
