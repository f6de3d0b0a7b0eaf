import type { LiveList } from '../collections/live-list'
import type { Identity } from '../domain/client'
import type { GatewayError } from '../errors'
import type { Outlets } from './outlet'

/** A call that has sent nothing yet. */
export interface Silent {
  /** Beat of the pulse at which it began. */
  readonly born: number
  openStream(): void
}

/** A call of a client without a session. */
export interface SessionlessCall {
  readonly identity: Identity
  cancel(reason: GatewayError): void
}

/** What all calls share. */
export interface CallHost {
  outlets: Outlets
  /** Oldest first. */
  silent: LiveList<Silent>
  /** Those of clients without a session; the others are in their sessions. */
  modern: LiveList<SessionlessCall>
  inFlight: number
  report: (error: unknown) => void
}
