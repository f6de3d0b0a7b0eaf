import type { Era } from './exchange'

/** How a server is spoken to: as a person decided, or as it turns out. */
export const eraChoices = ['auto', 'legacy', 'modern'] as const
export type EraChoice = (typeof eraChoices)[number]

/** What a server turned out to speak. */
export interface EraVerdict {
  era: Era
  /** Epoch milliseconds. */
  foundAt: number
  /** What it said of itself then, as raw JSON: another text may be another program. */
  serverInfo: string
}
