// What a line of a log is. On disk each is one JSON object on one line.

/** From the least to the most severe. */
export const lineLevels = ['debug', 'info', 'warning', 'error'] as const
export type LineLevel = (typeof lineLevels)[number]

/** Which part of a server's life a line is about. */
export const serverSources = ['Connection', 'OAuth', 'Transport', 'MCP', 'Feature'] as const
export type ServerSource = (typeof serverSources)[number]

/** The gateway's own lines have sources too: what it does, and who changed or tried what. */
export const lineSources = [...serverSources, 'Gateway', 'Audit'] as const
export type LineSource = (typeof lineSources)[number]

/** Everything a line may say besides its message. What is not listed here is not written. */
export interface LineFields {
  /** Server id. */
  server?: string
  code?: string
  pid?: number
  executable?: string
  method?: string
  path?: string
  /** Lines that are missing before this one. */
  missing?: number
}

export interface LogLine extends LineFields {
  /** ISO 8601 in UTC, to the millisecond. */
  time: string
  level: LineLevel
  source: LineSource
  message: string
}

const textFields = ['server', 'code', 'executable', 'method', 'path'] as const
const numberFields = ['pid', 'missing'] as const

/** The fields that are listed and of their type; everything else is left out. */
export function knownFields(given: object): LineFields {
  const values: Readonly<Record<string, unknown>> = { ...given }
  const fields: LineFields = {}
  for (const name of textFields) {
    const value = values[name]
    if (typeof value === 'string') fields[name] = value
  }
  for (const name of numberFields) {
    const value = values[name]
    if (typeof value === 'number') fields[name] = value
  }
  return fields
}

/** A line read back; null for what is none, such as one that a full disk cut. */
export function parseLine(text: string): LogLine | null {
  try {
    return asLine(JSON.parse(text))
  } catch {
    return null
  }
}

/** The same, of what was parsed already. */
export function asLine(value: unknown): LogLine | null {
  if (typeof value !== 'object' || value === null) return null
  const { time, level, source, message }: Readonly<Record<string, unknown>> = { ...value }
  const known = lineLevels.find((it) => it === level)
  const from = lineSources.find((it) => it === source)
  if (!known || !from || typeof time !== 'string' || typeof message !== 'string') return null
  return { time, level: known, source: from, message, ...knownFields(value) }
}

/** Which lines are wanted. */
export interface LineFilter {
  /** This level and what is more severe. */
  level?: LineLevel | undefined
  source?: LineSource | undefined
  /** Epoch milliseconds. */
  since?: number | undefined
}

export const passes = (line: LogLine, { level, source }: LineFilter): boolean =>
  (level === undefined || lineLevels.indexOf(line.level) >= lineLevels.indexOf(level)) &&
  (source === undefined || line.source === source)
