import type { SignInNeed } from '../domain/authorization'
import type { CalledWords } from '../domain/called'
import type { Era } from '../domain/exchange'
import { featureKinds, type FeatureKind } from '../domain/feature'
import { risks } from '../domain/risks'
import type { Definition, Server } from '../domain/server'
import type { ServerInput } from '../domain/server-input'
import type { SignInStatus } from '../oauth/tokens'
import type { UpstreamState } from '../domain/upstream-state'
import type { AdminDeps } from './deps'
import { missing } from './missing'
import type { DefinitionBody } from './schemas'

/** A declared input as it is shown: of a secret one only whether it is there. */
export interface InputView extends ServerInput {
  isSet: boolean
}

/** A server with its live state and what is known of its features; no value of a secret is in it. */
export interface ServerView extends Omit<Server, 'inputs' | 'definition'> {
  called: CalledWords
  definition: DefinitionBody
  inputs: InputView[]
  state: UpstreamState
  /** Our sign-in at the server; null without one. No token is in it. */
  signIn: SignInStatus | null
  /** Why it needs a person to sign in; null when it does not. */
  signInNeed: SignInNeed | null
  /** Why it cannot be used now, or not for all it offers, and what to do; null when nothing is missing. */
  missing: string | null
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

type StateDeps = Pick<AdminDeps, 'operator' | 'consents' | 'values' | 'signInStateOf'>
type Deps = StateDeps & Pick<AdminDeps, 'called' | 'catalog' | 'eras' | 'secrets' | 'logins'>

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
    ? state.code === 'credential.unreadable'
    : ['idle', 'disabled', 'needs_consent', 'needs_input', 'locked'].includes(state.status)

/** The live state; for a server that does not run, what would keep it from starting. */
export function stateOf(server: Server, deps: StateDeps): UpstreamState {
  if (!server.enabled) return { status: 'disabled' }
  const live = deps.operator.states().get(server.id)
  if (live && !isFromRows(live)) return live
  if (!deps.consents.of(server)) return { status: 'needs_consent' }
  return deps.values.resolve(server).blocked ?? deps.signInStateOf(server) ?? { status: 'idle' }
}

/** Whether the server is sent credentials a person gave, which a sign-in would be in the way of. */
const hasOwnCredentials = ({ definition }: Server): boolean =>
  definition.type !== 'stdio' &&
  Object.keys(definition.headers).some((name) => name.toLowerCase() === 'authorization')

/** Why a person has to sign in at this server, null for no reason. */
export function signInNeed(
  server: Server,
  state: UpstreamState,
  signIn: SignInStatus | null,
): SignInNeed | null {
  if (state.status === 'needs_authorization') return state.need
  if (server.definition.type === 'stdio' || hasOwnCredentials(server)) return null
  return state.status === 'disabled' ? null : (signIn?.needs ?? null)
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
  const state = stateOf(server, deps)
  const signIn = deps.logins.of(server)
  const need = signInNeed(server, state, signIn)
  const called = deps.called(server)
  const features: ServerView['features'] = { tool: 0, prompt: 0, resource: 0, template: 0 }
  for (const kind of featureKinds)
    features[kind] = catalog.features.filter((feature) => feature.kind === kind).length
  return {
    ...server,
    called,
    definition: definitionBody(server.definition),
    inputs: inputViews(server, deps.secrets),
    state,
    signIn,
    signInNeed: need,
    missing: missing(called, state, need),
    consent: deps.consents.of(server),
    risks: risks(server.definition, server.inputs),
    features,
    serverInfo: catalog.handshake ? serverInfo(catalog.handshake.serverInfo) : null,
    eraFound: found && { era: found.era, foundAt: found.foundAt },
    refreshedAt: catalog.handshake?.refreshedAt ?? null,
  }
}
