import { featureKinds, type FeatureKind } from '../domain/feature'
import type { ViewEntry, WithheldEntry } from './feature-view'
import type { HeldBack } from './hold-back'
import type { PreparedEntry, PreparedServer } from './prepare'
import type { Policy } from './resolve'
import { looksWrapped } from './uris'

/** An entry of one view: which form of it is shown there. */
export interface Shown {
  server: PreparedServer
  entry: PreparedEntry
  shown: ViewEntry
  wrapped: boolean
}

export type Lists = Readonly<Record<FeatureKind, readonly ViewEntry[]>>

/** What a policy leaves of a Space. */
export interface Contents {
  lists: Lists
  /** Resources and templates with the form they are shown in. */
  resources: readonly Shown[]
  templates: readonly Shown[]
  /** Original URIs that more than one server of the view offers. */
  contested: ReadonlySet<string>
  /** Servers with at least one visible feature, in order. */
  servers: readonly PreparedServer[]
  /** What would be here if its pin held. */
  withheld: readonly WithheldEntry[]
}

/**
 * Applies a policy to the servers of a Space, given in list order. Disabled servers contribute nothing, entries that
 * lost their name are nobody's, and what is held back is only named. A URI stays as it is when one server of the view
 * has it and it does not look wrapped already.
 */
export function selectContents(
  servers: readonly PreparedServer[],
  policy: Policy,
  isNobodys: (entry: PreparedEntry) => boolean,
  held: Pick<HeldBack, 'entries' | 'instructions'> | null,
): Contents {
  const withheld: WithheldEntry[] = []
  const allowed: Record<FeatureKind, Shown[]> = { tool: [], prompt: [], resource: [], template: [] }
  const visible: PreparedServer[] = []
  for (const server of servers) {
    if (!server.server.enabled) continue
    let any = false
    for (const kind of featureKinds) {
      for (const entry of server.entries[kind]) {
        const { alias, feature } = entry.plain
        if (!policy.allows(alias, feature) || isNobodys(entry)) continue
        const finding = held?.entries.get(entry)
        if (finding) {
          const { kind, reasons } = finding
          withheld.push({ kind, alias, exposedName: entry.plain.exposedName, reasons })
          continue
        }
        allowed[kind].push({ server, entry, shown: entry.plain, wrapped: false })
        any = true
      }
    }
    if (!any) continue
    visible.push(server)
    const instructions = held?.instructions.get(server.server.id)
    if (instructions) {
      const { kind, reasons } = instructions
      withheld.push({ kind, alias: server.server.alias, exposedName: '', reasons })
    }
  }
  const contested = contestedUris(allowed.resource)
  const resources = allowed.resource.map((item) => inForm(item, contested))
  const contestedTemplates = contestedUris(allowed.template)
  const templates = allowed.template.map((item) => inForm(item, contestedTemplates))
  const tools = linkTools(allowed.tool, resources)
  return {
    lists: {
      tool: tools,
      prompt: allowed.prompt.map(({ shown }) => shown),
      resource: resources.map(({ shown }) => shown),
      template: templates.map(({ shown }) => shown),
    },
    resources,
    templates,
    contested,
    servers: visible,
    withheld,
  }
}

function contestedUris(items: readonly Shown[]): Set<string> {
  const seen = new Set<string>()
  const contested = new Set<string>()
  for (const { shown } of items) {
    if (seen.has(shown.exposedName)) contested.add(shown.exposedName)
    seen.add(shown.exposedName)
  }
  return contested
}

function inForm(item: Shown, contested: ReadonlySet<string>): Shown {
  const uri = item.shown.exposedName
  if (!contested.has(uri) && !looksWrapped(uri)) return item
  return { ...item, shown: item.entry.wrapped(), wrapped: true }
}

/** Tools that point at a wrapped user interface of their server point at the wrapped form. */
function linkTools(tools: readonly Shown[], resources: readonly Shown[]): ViewEntry[] {
  const wrapped = new Map<string, string>()
  for (const { server, shown, wrapped: is } of resources) {
    if (is) wrapped.set(`${server.server.id} ${shown.feature.name}`, shown.exposedName)
  }
  return tools.map(({ server, entry, shown }) => {
    const to =
      entry.interfaceUri === null ? undefined : wrapped.get(`${server.server.id} ${entry.interfaceUri}`)
    return to === undefined ? shown : entry.linkedTo(to)
  })
}

/** Whether two entries are one to a client, and to whoever routes it. */
const sameEntry = (a: ViewEntry, b: ViewEntry | undefined): boolean =>
  a === b ||
  (b !== undefined &&
    a.exposedName === b.exposedName &&
    a.feature.serverId === b.feature.serverId &&
    a.feature.name === b.feature.name &&
    sameBytes(a.descriptor, b.descriptor))

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a === b || Buffer.compare(a, b) === 0

/** Whether two lists are the same to a client, and to whoever routes it: equal entries in the same order. */
export const sameList = (a: readonly ViewEntry[], b: readonly ViewEntry[]): boolean =>
  a === b || (a.length === b.length && a.every((entry, i) => sameEntry(entry, b[i])))
