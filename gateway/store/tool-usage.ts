import type { Database } from './database'

/** Calls of one tool. */
export interface ToolCalls {
  serverId: string
  tool: string
  calls: number
}

/** How often tools were called, by day (days since the epoch, UTC). Goes with its server. */
export interface ToolUsageStore {
  /** Adds to a day. What belongs to a server that is gone is left out. */
  add(day: number, used: readonly ToolCalls[]): void
  /** Sums for the tools of a Space from a day on. */
  since(spaceId: string, day: number): ToolCalls[]
  /** Forgets the days before. */
  prune(before: number): void
}

export function createToolUsageStore(db: Database): ToolUsageStore {
  const put = db.statement(`
    INSERT INTO tool_usage (server_id, tool, day, calls)
    SELECT id, $tool, $day, $calls FROM servers WHERE id = $serverId
    ON CONFLICT DO UPDATE SET calls = calls + excluded.calls`)
  const sums = db.statement<{ server_id: string; tool: string; calls: number }>(`
    SELECT server_id, tool, sum(calls) AS calls FROM tool_usage JOIN servers ON servers.id = server_id
    WHERE space_id = $spaceId AND day >= $day GROUP BY server_id, tool`)
  const drop = db.statement('DELETE FROM tool_usage WHERE day < $before')
  return {
    add: (day, used) =>
      db.transaction(() => {
        for (const { serverId, tool, calls } of used)
          put.run({ serverId, tool: tool.toWellFormed(), day, calls })
      }),
    since: (spaceId, day) =>
      sums.all({ spaceId, day }).map(({ server_id: serverId, tool, calls }) => ({ serverId, tool, calls })),
    prune: (before) => {
      drop.run({ before })
    },
  }
}
