import { byGateway } from '../domain/audit'
import { openProcesses } from '../process/processes'
import type { Announce } from '../session/announce'
import { createOpenChannel } from '../transport/open-channel'
import { createPool } from '../upstream/pool'
import type { Foundation, Parts } from './foundation'
import type { OAuth } from './oauth'

/** The live side of servers: their processes and connections. */
export type Servers = Awaited<ReturnType<typeof openServers>>

/** Ends what an earlier run left behind, and opens the pool. `announce` takes what servers say on their own. */
export async function openServers(
  parts: Parts,
  foundation: Foundation,
  { authorizations, needs, tokens }: Pick<OAuth, 'authorizations' | 'needs' | 'tokens'>,
  announce: () => Announce | null,
) {
  const { config, runtime, redactor, journal, tell, fault, stores, events, trail } = foundation
  const { vault, values, consents } = foundation
  const { servers, settings } = stores
  const processes = parts.use(openProcesses({ config, runtime, onError: fault }))
  const swept = await processes.sweep()
  if (swept > 0) tell.note(`ended ${swept} processes an earlier run left behind`)

  await foundation.unlocking
  vault.watch()
  const pool = parts.use(
    createPool({
      runtime,
      settings: settings.read,
      called: foundation.called,
      events,
      servers,
      catalog: foundation.pins.catalog,
      eras: stores.eras,
      values,
      signIns: {
        blockedBy: authorizations.blockedBy,
        needOf: needs.of,
        letIn: needs.letIn,
        stamp: tokens.stamp,
      },
      sessions: stores.sessions,
      downstream: {
        resourceUpdated: (...update) => announce()?.resourceUpdated(...update),
        log: (...message) => announce()?.log(...message),
        taskChanged: (...change) => announce()?.taskChanged(...change),
        forward: (...message) => announce()?.forward(...message),
      },
      // Of the row as it is stored now, too: it may have been changed behind us.
      consented: (server) =>
        consents.of(server) !== null &&
        servers
          .list(server.spaceId)
          .some((stored) => stored.id === server.id && consents.of(stored) !== null),
      open: createOpenChannel({
        config,
        settings: settings.read,
        runtime,
        safeFetch: foundation.safeFetch,
        redactor,
        stdio: processes,
        authorizationOf: authorizations.of,
        spawned: ({ id, spaceId, name }, pid) =>
          trail.record({
            ...{ action: 'server.spawned', actor: byGateway },
            ...{ spaceId, serverId: id, subject: name, detail: { pid } },
          }),
      }),
      redact: redactor.redact,
      log: tell.server,
    }),
  )
  parts.defer(
    events.on('upstream.state', ({ serverId, state }) => {
      const server = servers.list().find(({ id }) => id === serverId)
      if (server) tell.state(server, state)
    }),
  )
  journal.retain(servers.list().map(({ id }) => id))
  parts.defer(
    events.on('server.changed', ({ serverId }) => {
      if (!servers.list().some(({ id }) => id === serverId)) journal.remove(serverId)
    }),
  )
  return { processes, pool }
}
