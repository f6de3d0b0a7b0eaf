import type { OpenBrowser } from '../browser/open-browser'
import type { AuditEntry } from '../domain/audit'
import type { Called } from '../domain/called'
import type { Server } from '../domain/server'
import type { UpstreamState } from '../domain/upstream-state'
import type { EventBus } from '../events'
import type { AuditReader } from '../logs/audit'
import type { LogReader } from '../logs/journal'
import type { Flows } from '../oauth/flows'
import type { Registrations } from '../oauth/registrations'
import type { Tokens } from '../oauth/tokens'
import type { Pins } from '../pins/pins'
import type { Lean } from '../policy/lean'
import type { Views } from '../policy/views'
import type { Runtime } from '../runtime'
import type { Consents } from '../secrets/consents'
import type { ServerSecrets } from '../secrets/server-secrets'
import type { ValueResolver } from '../secrets/server-values'
import type { SpaceSecrets } from '../secrets/space-secrets'
import type { Vault } from '../secrets/vault'
import type { SessionKeys } from '../session/session-keys'
import type { Decisions } from '../signin/decide'
import type { SpaceQuestions } from '../session/space-questions'
import type { CatalogStore } from '../store/catalog'
import type { ClientStore } from '../store/clients'
import type { ConsentStore } from '../store/consents'
import type { DataKeyStore } from '../store/data-keys'
import type { Database, Problem } from '../store/database'
import type { ExportedRowStore } from '../store/exported-rows'
import type { EraStore } from '../store/eras'
import type { FeatureSetStore } from '../store/feature-sets'
import type { KeyStore } from '../store/keys'
import type { RegistrationStore } from '../store/oauth-registrations'
import type { ServerStore } from '../store/servers'
import type { SettingStore } from '../store/settings'
import type { SpaceStore } from '../store/spaces'
import type { SignInStore } from '../store/sign-ins'
import type { Operator } from './operator'

/** One open session: which client, what it says of itself, which revision it speaks. */
export interface SessionInfo {
  clientId: string
  /** The client's own `clientInfo`, raw JSON; a claim, never an identity. */
  clientInfo: string
  protocolVersion: string
  /** Epoch milliseconds. */
  lastSeenAt: number
}

/** What the running gateway knows of itself. */
export interface GatewayInfo {
  version: string
  pid: number
  /** Epoch milliseconds. */
  startedAt: number
  mcpUrl: string
  adminUrl: string
  /** The endpoint for clients without a key; null when no sign-in is offered. */
  signInUrl: string | null
  sessions: readonly SessionInfo[]
}

/** Everything the admin API stands on. */
export interface AdminDeps {
  runtime: Runtime
  events: EventBus
  spaces: SpaceStore
  called: Called
  servers: ServerStore
  catalog: CatalogStore
  eras: EraStore
  sets: FeatureSetStore
  clients: ClientStore
  keys: KeyStore
  signIns: SignInStore
  /** Ends a sign-in with its sessions; false when it had ended. */
  endSignIn(id: string): boolean
  /** Clients that wait for a person. */
  decisions: Decisions
  /** Sign-ins of ours at servers: under way, and what came of them. */
  flows: Pick<Flows, 'begin' | 'cancel' | 'get' | 'list' | 'finish' | 'browserFor'>
  logins: Pick<Tokens, 'of' | 'forget' | 'reread'>
  /** What its sign-in makes of a server that does not run; null for nothing. */
  signInStateOf(server: Server): UpstreamState | null
  /** Client ids people bring for them. */
  clientIds: Pick<Registrations, 'give' | 'remove'>
  registrations: Pick<RegistrationStore, 'list'>
  /** Tells the issuers of a server that it is going to be removed; nobody waits for them. */
  leaveIssuers(server: Server): void
  /** The browser of the person the gateway runs for. */
  openBrowser: OpenBrowser
  consents: Consents
  consentRows: Pick<ConsentStore, 'get'>
  pins: Pins
  sessionKeys: Pick<SessionKeys, 'keyIn'>
  settings: SettingStore
  /** Groups writes: all of them are stored, or none. */
  db: Pick<Database, 'transaction'>
  secrets: ServerSecrets
  namedSecrets: SpaceSecrets
  values: ValueResolver
  vault: Vault
  dataKeys: Pick<DataKeyStore, 'active'>
  exportedRows: ExportedRowStore
  operator: Operator
  views: Views
  lean: Pick<Lean, 'seen' | 'refresh'>
  spaceOf: (clientId: string) => string
  questions: Pick<SpaceQuestions, 'open' | 'choose' | 'refuse'>
  info(): GatewayInfo
  /** Stored rows that could not be read since the start. */
  problems(): readonly Problem[]
  logs: LogReader
  trail: AuditReader
  /** Records what a request did, once it is stored; who made it is what the door said. */
  record(request: Request, entry: Omit<AuditEntry, 'actor'>): void
  /** Begins to drain and stop; returns at once. */
  quit(): void
}
