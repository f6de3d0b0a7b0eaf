import type { UpstreamState } from '../domain/upstream-state'
import { type ApprovalView, approvalViews } from './approvals'
import { clientView } from './client-view'
import type { AdminDeps, GatewayInfo } from './deps'
import { missing } from './missing'
import { resource } from './resource'
import { signInNeed, stateOf } from './server-view'
import type { Problem } from '../store/database'
import { type VaultView, vaultView } from './vault-view'

export interface ServerStatus {
  id: string
  name: string
  alias: string
  spaceId: string
  space: string
  state: UpstreamState
  tools: number
  /** Why it cannot be used now and what to do, or null when nothing is missing. */
  missing: string | null
}

/** Where the key lies that new session ids are signed with, what follows from that and what to do; null for nothing. */
export interface SessionKeyView {
  in: 'vault' | 'memory'
  what: string
  todo: string | null
}

/** The whole gateway at one moment. */
export interface Status extends GatewayInfo {
  space: { id: string; name: string }
  servers: ServerStatus[]
  vault: VaultView
  /** Where the key lies that consents are checked with now. */
  consentKeyIn: 'vault' | 'file'
  sessionKey: SessionKeyView
  /** Clients that wait for an approval. */
  approvals: ApprovalView[]
  /** Features nobody can use, because another server's name is in their way. */
  withheld: { serverId: string; server: string; name: string; keptBy: string }[]
  /** Servers that offer something else than was accepted: how much is kept from clients, and how much let through. */
  changes: { serverId: string; server: string; withheld: number; noted: number }[]
  /** Stored rows that cannot be read and are left out, as far as anybody asked for them. */
  unreadable: readonly Problem[]
  /** Clients with a remark: what keeps them from seeing anything. */
  clients: { id: string; name: string; lastSeenAt: number | null; space: string; remark: string | null }[]
}

function sessionKeyView({ sessionKeys, vault }: AdminDeps): SessionKeyView {
  const place = sessionKeys.keyIn()
  if (place === 'vault')
    return { in: place, what: 'sessions survive a restart: their key is in the vault', todo: null }
  const what = 'sessions end when McpMux does: their key is in memory alone'
  return vault.state().status === 'open'
    ? {
        in: place,
        what: `${what}, because it could not be stored`,
        todo: 'see to it that the data folder can be written and has room',
      }
    : {
        in: place,
        what: `${what}, because the vault is not open`,
        todo: 'open it, "mcpmux vault status" says how; until then clients initialize anew after a restart',
      }
}

/** Everything of one moment, for `status`. */
export function readStatus(deps: AdminDeps): Status {
  const { spaces, servers, clients, catalog, views, consents, pins } = deps
  const active = spaces.active()
  const names = new Map(spaces.list().map((space) => [space.id, space.name]))
  return {
    ...deps.info(),
    space: { id: active.id, name: active.name },
    servers: servers.list().map((server) => {
      const state = stateOf(server, deps)
      return {
        id: server.id,
        name: server.name,
        alias: server.alias,
        spaceId: server.spaceId,
        space: names.get(server.spaceId) ?? '',
        state,
        tools: catalog.get(server.id).features.filter((feature) => feature.kind === 'tool').length,
        missing: missing(deps.called(server), state, signInNeed(server, state, deps.logins.of(server))),
      }
    }),
    vault: vaultView(deps),
    consentKeyIn: consents.keyIn(),
    sessionKey: sessionKeyView(deps),
    approvals: approvalViews(deps),
    withheld: spaces.list().flatMap((space) =>
      views.withheld(space.id).map(({ serverId, exposedName, ownerId }) => ({
        serverId,
        server: servers.get(serverId).name,
        name: exposedName,
        keptBy: servers.get(ownerId).name,
      })),
    ),
    changes: servers.list().flatMap((server) => {
      const found = pins.findings(server.id).length
      const withheld = pins.withheld(server).length
      return found > 0
        ? [{ serverId: server.id, server: server.name, withheld, noted: found - withheld }]
        : []
    }),
    clients: clients.list().map((client) => {
      const { space, remark } = clientView(client, deps)
      return { id: client.id, name: client.name, lastSeenAt: client.lastSeenAt, space, remark }
    }),
    // Last, because reading the others is what finds them.
    unreadable: deps.problems(),
  }
}

export const statusRoutes = (deps: AdminDeps) => resource('/status').get('/', () => readStatus(deps))
