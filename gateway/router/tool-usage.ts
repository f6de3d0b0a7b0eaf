import type { Runtime } from '../runtime'
import type { ToolCalls, ToolUsageStore } from '../store/tool-usage'

const FLUSH_MS = 30_000
const DAY_MS = 86_400_000
/** Days of calls that are kept, today among them. */
export const usageDays = 30

/** The day of a time, counted from the epoch. */
export const dayOf = (at: number): number => Math.floor(at / DAY_MS)

/** Counts calls of tools in memory and writes them down now and then, so that a call costs no write. */
export interface ToolUsage {
  /** A call of the tool goes to its server. */
  used(serverId: string, tool: string): void
  /** Calls of the last 30 days in a Space, those not written yet among them. */
  calls(spaceId: string): (serverId: string, tool: string) => number
  /** Writes what is left and stops. */
  close(): void
}

export function createToolUsage(deps: {
  store: ToolUsageStore
  runtime: Pick<Runtime, 'now' | 'sleep'>
  report: (error: unknown) => void
}): ToolUsage {
  const { store, runtime } = deps
  const waiting = new Map<string, Map<string, number>>()
  const stop = new AbortController()
  let armed = false

  const flush = (): void => {
    if (waiting.size === 0) return
    const today = dayOf(runtime.now())
    const used: ToolCalls[] = []
    for (const [serverId, tools] of waiting)
      for (const [tool, calls] of tools) used.push({ serverId, tool, calls })
    // What cannot be written is lost: it orders a list, and nothing else.
    waiting.clear()
    try {
      store.add(today, used)
      store.prune(today - usageDays + 1)
    } catch (error) {
      deps.report(error)
    }
  }

  const arm = (): void => {
    armed = true
    runtime.sleep(FLUSH_MS, stop.signal).then(
      () => {
        armed = false
        flush()
      },
      () => {
        armed = false
      },
    )
  }

  return {
    used(serverId, tool) {
      let tools = waiting.get(serverId)
      if (!tools) waiting.set(serverId, (tools = new Map()))
      tools.set(tool, (tools.get(tool) ?? 0) + 1)
      if (!armed && !stop.signal.aborted) arm()
    },
    calls(spaceId) {
      flush()
      const sums = store.since(spaceId, dayOf(runtime.now()) - usageDays + 1)
      const known = new Map(sums.map(({ serverId, tool, calls }) => [`${serverId} ${tool}`, calls]))
      return (serverId, tool) => known.get(`${serverId} ${tool}`) ?? 0
    },
    close() {
      stop.abort()
      flush()
    },
  }
}
