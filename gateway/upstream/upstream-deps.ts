import type { SignInNeed } from '../domain/authorization'
import type { Called } from '../domain/called'
import type { LogLevel } from '../domain/exchange'
import type { Server } from '../domain/server'
import type { ReadSetting } from '../domain/settings'
import type { UpstreamState } from '../domain/upstream-state'
import type { EventBus } from '../events'
import type { Downstream } from '../router/ports'
import type { Runtime } from '../runtime'
import type { CatalogStore } from '../store/catalog'
import type { EraStore } from '../store/eras'
import type { Backoff } from './backoff'
import type { Channel, ChannelEvents } from '../transport/channel'
import type { StartGate } from './start-gate'
import type { Usage } from './usage'

/** What the live side of a Server is made with. */
export interface UpstreamDeps {
  runtime: Runtime
  settings: ReadSetting
  called: Called
  events: EventBus
  catalog: CatalogStore
  eras: EraStore
  usage: Usage
  /** Whether everybody shares it; else it is one client's or session's own, and says nothing of itself to others. */
  shared: boolean
  gate: StartGate
  backoff: Backoff
  downstream: Downstream
  /** What keeps the server from starting, or null; asked again right before every start. */
  blockedBy(server: Server): UpstreamState | null
  signIns: {
    /**
     * Why a person has to sign in before it is of use, as far as that is known. Nothing contacts it by itself then; who
     * calls it does, because it may have changed its mind.
     */
    needOf(server: Server): SignInNeed | null
    /** It did what was asked of it. */
    letIn(server: Server): void
  }
  /** Differs once a secret it is given at its start was given anew. */
  secretStamp(server: Server): string
  open(server: Server, events: ChannelEvents): Promise<Channel>
  log(server: Server, source: Parameters<ChannelEvents['onLog']>[0], line: string): void
  /** Takes secrets out of a server's words. */
  redact(text: string): string
  logLevel(): LogLevel | null
}
