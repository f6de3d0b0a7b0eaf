import type { Runtime } from '../runtime'
import type { Keychain } from '../secrets/keychain'

/** What a start is given beside the configuration. */
export interface GatewayOptions {
  runtime: Runtime
  /** Overrides the setting for this run; 0 takes a free port. */
  port?: number
  host?: string
  /** That of the operating system unless told. */
  keychain?: Keychain
  /** Also reports every line of every server: its stderr, and what was wrong with what it sent. */
  verbose?: boolean
  /** Takes one line for the person who runs the gateway: states of servers, changes by the admin door. */
  report?: (line: string) => void
}
