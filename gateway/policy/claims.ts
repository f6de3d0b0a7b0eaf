import type { FeatureKind } from '../domain/feature'
import type { Server } from '../domain/server'
import type { PreparedEntry, PreparedServer } from './prepare'

/** A feature nobody sees because another server has its name. */
export interface Withheld {
  serverId: string
  kind: FeatureKind
  /** The name both would have. */
  exposedName: string
  /** The server that keeps it. */
  ownerId: string
}

/**
 * Which features lose their exposed name to another one. Only servers without a prefix can lose: a prefixed name
 * always belongs to its prefix, and between two unprefixed ones the older stays. Disabled servers keep their names,
 * and the order of servers plays no part.
 */
export function claimNames(servers: readonly PreparedServer[]): Map<PreparedEntry, Withheld> {
  const withheld = new Map<PreparedEntry, Withheld>()
  // Prefixed names of two servers never meet.
  if (servers.length < 2 || !servers.some(({ server }) => server.alias === '')) return withheld
  for (const kind of ['tool', 'prompt'] as const) {
    const claims = new Map<string, Claim[]>()
    for (const { server, entries } of servers) {
      for (const entry of entries[kind]) {
        const name = entry.plain.exposedName
        const rivals = claims.get(name)
        if (rivals) rivals.push({ server, entry })
        else claims.set(name, [{ server, entry }])
      }
    }
    for (const [exposedName, rivals] of claims) {
      const [owner, ...losers] = rivals.sort(bySeniority)
      for (const { server, entry } of losers) {
        withheld.set(entry, { serverId: server.id, kind, exposedName, ownerId: owner?.server.id ?? '' })
      }
    }
  }
  return withheld
}

interface Claim {
  server: Server
  entry: PreparedEntry
}

const since = ({ server, entry }: Claim): number => entry.plain.feature.firstSeenAt ?? server.createdAt

/** Total: a prefixed server first, then the older name, the older server, the smaller id. */
const bySeniority = (a: Claim, b: Claim): number =>
  Number(a.server.alias === '') - Number(b.server.alias === '') ||
  since(a) - since(b) ||
  a.server.createdAt - b.server.createdAt ||
  (a.server.id < b.server.id ? -1 : 1)
