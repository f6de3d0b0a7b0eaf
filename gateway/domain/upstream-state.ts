import type { SignInNeed } from './authorization'
import type { ErrorCode } from '../errors'

/** The live side of a Server, one to one with the words a person sees. Times are epoch milliseconds. */
export type UpstreamState =
  | { status: 'disabled' | 'needs_consent' | 'locked' | 'idle' }
  /** `missing`: ids of inputs, and references (`${env:NAME}`, `${secret:NAME}`) to what is not there. */
  | { status: 'needs_input'; missing: readonly string[] }
  | { status: 'connecting'; since: number }
  /** Connected, and its lists were read, or could not be. Calls go out before that. */
  | { status: 'ready'; since: number; protocolVersion: string }
  | { status: 'needs_authorization'; need: SignInNeed }
  | { status: 'failed'; code: ErrorCode; message: string; retryAt: number | null }
