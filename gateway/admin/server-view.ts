import type { Era } from '../domain/exchange'
import { featureKinds, type FeatureKind } from '../domain/feature'
import { risks } from '../domain/risks'
import type { Definition, Server } from '../domain/server'
import type { ServerInput } from '../domain/server-input'
import type { UpstreamState } from '../domain/upstream-state'
import type { AdminDeps } from './deps'
import type { DefinitionBody } from './schemas'

/** A declared input as it is shown: of a secret one only whether it is there. */
export interface InputView extends ServerInput {
  isSet: boolean
}

/** A server with its live state and what is known of its features; no value of a secret is in it. */
export interface ServerView extends Omit<Server, 'inputs' | 'definition'> {
  definition: DefinitionBody
  inputs: InputView[]
  state: UpstreamState
  consent: { givenBy: string; givenAt: number } | null
  /** What to notice before approving it. */
  risks: string[]
  /** Number of features in the catalog, by kind. */
  features: Record<FeatureKind, number>
  serverInfo: { name: string; version: string } | null
  /** What it turned out to speak, and since when that is known (epoch milliseconds); null while it is not. */
  eraFound: { era: Era; foundAt: number } | null
  /** Epoch milliseconds of the last complete reading of its lists. */
  refreshedAt: number | null
}

type Deps = Pick<AdminDeps, 'catalog' | 'eras' | 'consents' | 'secrets' | 'values' | 'operator'>

export const inputViews = (server: Server, secrets: AdminDeps['secrets']): InputView[] =>
  server.inputs.map((input) => ({
    ...input,
    value: input.secret ? null : input.value,
    isSet: input.secret ? isStored(server, input.id, secrets) : input.value !== null,
  }))

/** One that cannot be read is to be given again, like one that is not there. */
const isStored = (server: Server, inputId: string, secrets: AdminDeps['secrets']): boolean =>
  ['present', 'locked'].includes(secrets.get(server, inputId).state)

/** Whether what is stored alone decides it: the live side hears of a change a moment after that. */
const isFromRows = (state: UpstreamState): boolean =>
  state.status === 'failed'
    ? state.code === 'input.path' || state.code === 'credential.unreadable'
    : ['idle', 'disabled', 'needs_consent', 'needs_input', 'locked'].includes(state.status)

/** The live state; for a server that does not run, what would keep it from starting. */
export function stateOf(server: Server, deps: Pick<Deps, 'operator' | 'consents' | 'values'>): UpstreamState {
  if (!server.enabled) return { status: 'disabled' }
  const live = deps.operator.states().get(server.id)
  if (live && !isFromRows(live)) return live
  if (!deps.consents.of(server)) return { status: 'needs_consent' }
  return deps.values.resolve(server).blocked ?? { status: 'idle' }
}

function serverInfo(raw: string): ServerView['serverInfo'] {
  let parsed: unknown
  try {
    parsed = JSON.parse(raw)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null) return null
  const text = (key: 'name' | 'version'): string => {
    const value = key in parsed ? (parsed as Record<string, unknown>)[key] : ''
    return typeof value === 'string' ? value.slice(0, 200) : ''
  }
  return { name: text('name'), version: text('version') }
}

/** A definition as the admin API gives it. */
export const definitionBody = (definition: Definition): DefinitionBody =>
  definition.type === 'stdio'
    ? { ...definition, args: [...definition.args], env: { ...definition.env } }
    : { ...definition, headers: { ...definition.headers } }

/** A server as window and command line see it. Holds no secret value. */
export function serverView(server: Server, deps: Deps): ServerView {
  const catalog = deps.catalog.get(server.id)
  const found = deps.eras.get(server.id)
  const features: ServerView['features'] = { tool: 0, prompt: 0, resource: 0, template: 0 }
  for (const kind of featureKinds)
    features[kind] = catalog.features.filter((feature) => feature.kind === kind).length
  return {
    ...server,
    definition: definitionBody(server.definition),
    inputs: inputViews(server, deps.secrets),
    state: stateOf(server, deps),
    consent: deps.consents.of(server),
    risks: risks(server.definition, server.inputs),
    features,
    serverInfo: catalog.handshake ? serverInfo(catalog.handshake.serverInfo) : null,
    eraFound: found && { era: found.era, foundAt: found.foundAt },
    refreshedAt: catalog.handshake?.refreshedAt ?? null,
  }
}
