import type { EraChoice } from './era'
import type { Isolation } from './isolation'
import type { ServerInput } from './server-input'

/** A value of an environment variable or header: text, with references (`references.ts`) in it. */
export type InputText = string

export interface StdioDefinition {
  type: 'stdio'
  command: string
  /** Texts, and whole arguments that stand for an input. */
  args: readonly string[]
  env: Readonly<Record<string, InputText>>
  /** Working folder; null is a folder of the server's own inside the data folder. */
  cwd: string | null
}

export interface RemoteDefinition {
  type: 'http' | 'sse'
  url: string
  headers: Readonly<Record<string, InputText>>
}

export type Definition = StdioDefinition | RemoteDefinition

/** An MCP server configured in one Space. */
export interface Server {
  id: string
  spaceId: string
  /** Display name, free text. */
  name: string
  /** Prefix of its exposed names, `[a-z0-9-]{1,20}` and unique in the Space, or '' for no prefix. */
  alias: string
  definition: Definition
  inputs: readonly ServerInput[]
  enabled: boolean
  /** Start with the gateway and never stop for being idle. */
  keepRunning: boolean
  /** How it is spoken to. */
  era: EraChoice
  isolation: Isolation
  /** Where the definition came from: 'cli', 'demo', … Part of the consent. */
  source: string
  position: number
  createdAt: number
  updatedAt: number
}
