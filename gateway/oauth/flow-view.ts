import type { FlowPhase } from '../domain/authorization'

/** A sign-in at an authorization server as people may see it. Times in epoch milliseconds. */
export interface FlowView {
  id: string
  serverId: string
  spaceId: string
  /** Who asks the person to sign in. */
  issuer: string
  resource: string
  scope: string | null
  /** What this asks for beyond what is there already; null when it is a first sign-in or asks for nothing more. */
  addedScope: string | null
  phase: FlowPhase
  /** Code of what went wrong. */
  error: string | null
  /** That in a sentence. */
  detail: string | null
  createdAt: number
  expiresAt: number
  /** For the browser; null when it is over, or the vault is closed. */
  url: string | null
}
