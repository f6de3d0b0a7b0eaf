// What the servers of a view said they can do beyond lists, as one client is told of it.
import type { FeatureView } from './feature-view'

/** The extension of MCP 2026-07-28 that has tasks; its dialect is another one than that of 2025-11-25. */
export const tasksExtension = 'io.modelcontextprotocol/tasks'

/** Tasks as `initialize` says them (MCP 2025-11-25, tasks: capability negotiation). */
export interface TaskAbilities {
  list?: object
  cancel?: object
  requests?: { tools: { call: object } }
}

export interface Abilities {
  tasks?: TaskAbilities
  /** Settings by the name of the extension; null when there are none. */
  extensions: Readonly<Record<string, object>> | null
  /** Servers that may name a task, in either dialect. */
  withTasks: ReadonlySet<string>
  /** Those that list them. */
  listing: ReadonlySet<string>
}

/**
 * The union of what the servers of a view last said of tasks and extensions. Of two that have settings for one
 * extension the first one's stand. Only what can be passed on is in it.
 */
export function abilitiesOf(view: FeatureView): Abilities {
  const extensions = new Map<string, object>()
  const withTasks = new Set<string>()
  const listing = new Set<string>()
  const tasks: TaskAbilities = {}
  for (const { serverId, capabilities } of view.servers()) {
    const said: unknown = JSON.parse(capabilities)
    for (const [name, settings] of Object.entries(at(said, 'extensions') ?? {}))
      if (isObject(settings)) extensions.set(name, { ...settings, ...extensions.get(name) })
    const own = at(said, 'tasks')
    if (own || at(at(said, 'extensions'), tasksExtension)) withTasks.add(serverId)
    if (!own) continue
    if (at(own, 'list')) {
      tasks.list = {}
      listing.add(serverId)
    }
    if (at(own, 'cancel')) tasks.cancel = {}
    if (at(at(at(own, 'requests'), 'tools'), 'call')) tasks.requests = { tools: { call: {} } }
  }
  return {
    ...(Object.keys(tasks).length > 0 ? { tasks } : {}),
    extensions: extensions.size > 0 ? Object.fromEntries(extensions) : null,
    withTasks,
    listing,
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function at(value: unknown, key: string): Record<string, unknown> | null {
  const found = isObject(value) && Object.hasOwn(value, key) ? value[key] : null
  return isObject(found) ? found : null
}
