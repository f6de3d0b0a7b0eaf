// Arguments of a tool that its schema wants repeated in headers (MCP 2026-07-28, tools: x-mcp-header).
import type { Feature } from '../domain/feature'
import type { MessageHeaders } from '../transport/channel'
import type { Span } from '../wire/envelope'
import { entries, rawOf } from '../wire/members'
import { decodeUtf8, textOf } from '../wire/text'
import { headerValue } from './header-values'

const MARK = 'x-mcp-header'
/** One argument and the header that repeats it. */
interface Mirrored {
  path: readonly string[]
  header: string
}

type Schema = Readonly<Record<string, unknown>>
/** Members of a schema that hold data, in which the mark means nothing. */
const data: readonly string[] = ['enum', 'const', 'default', 'examples', 'example', MARK]
/** Members whose own members are named freely and hold schemas. */
const named: readonly string[] = ['patternProperties', 'dependentSchemas', '$defs', 'definitions']

const isObject = (value: unknown): value is Schema => typeof value === 'object' && value !== null

/** Collects the marks of a schema; the text says why one may not stand where, or as, it does. */
function collect(schema: unknown, path: readonly string[] | null, found: Mirrored[]): string | null {
  if (!isObject(schema)) return null
  if (Array.isArray(schema)) return first(schema.map((one) => () => collect(one, null, found)))
  if (Object.hasOwn(schema, MARK)) {
    const fault = faultOf(schema, path, found)
    if (fault) return fault
    if (path) found.push({ path, header: `mcp-param-${String(schema[MARK]).toLowerCase()}` })
  }
  return first(
    Object.entries(schema).map(([key, value]) => () => {
      if (data.includes(key)) return null
      const isProperties = key === 'properties'
      if (!isObject(value) || !(isProperties || named.includes(key))) return collect(value, null, found)
      return first(
        Object.entries(value).map(
          ([name, one]) =>
            () =>
              collect(one, isProperties && path ? [...path, name] : null, found),
        ),
      )
    }),
  )
}

function first(steps: readonly (() => string | null)[]): string | null {
  for (const step of steps) {
    const fault = step()
    if (fault) return fault
  }
  return null
}

function faultOf(schema: Schema, path: readonly string[] | null, found: readonly Mirrored[]): string | null {
  const name = schema[MARK]
  if (!path || path.length === 0) return `${MARK} stands where no single argument is`
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    return `${MARK} is no name for a header`
  if (!['string', 'integer', 'boolean'].includes(String(schema.type)))
    return `${MARK} is on an argument that is no string, integer or boolean`
  if (found.some(({ header }) => header === `mcp-param-${name.toLowerCase()}`))
    return `${MARK} names the same header twice`
  return null
}

/** The mirrored arguments of a tool, or why its definition must not be used. */
function read(descriptor: string): { mirrored: Mirrored[]; fault: string | null } {
  if (!descriptor.includes('x-mcp-header') && !descriptor.includes('\\u'))
    return { mirrored: [], fault: null }
  const mirrored: Mirrored[] = []
  const { inputSchema } = JSON.parse(descriptor) as { inputSchema?: unknown }
  const fault = collect(inputSchema, [], mirrored)
  return { mirrored, fault }
}

/** Why a server may not offer this feature over HTTP; null when it may. */
export const mirrorFault = ({ kind, descriptor }: Feature): string | null =>
  kind === 'tool' ? read(descriptor).fault : null

export interface ParamHeaders {
  /** Headers for a call of this tool with these arguments. */
  of(tool: string, bytes: Uint8Array, args: Span | null): MessageHeaders
  /** The tools may have changed. */
  forget(): void
}

/** Reads the tools when one is first called, and again after `forget`. */
export function createParamHeaders(tools: () => readonly Feature[]): ParamHeaders {
  let known: Map<string, Mirrored[]> | null = null
  const load = (): Map<string, Mirrored[]> =>
    new Map(
      tools().flatMap(({ name, descriptor }) => {
        const { mirrored, fault } = read(descriptor)
        return mirrored.length > 0 && !fault ? [[name, mirrored] as const] : []
      }),
    )
  return {
    of(tool, bytes, args) {
      known ??= load()
      const headers: Record<string, string> = {}
      for (const { path, header } of known.get(tool) ?? []) {
        const text = valueAt(bytes, args, path)
        if (text !== null) headers[header] = headerValue(text)
      }
      return headers
    },
    forget() {
      known = null
    },
  }
}

/** The text of a primitive argument; null for what is absent, null or no primitive. */
function valueAt(bytes: Uint8Array, args: Span | null, path: readonly string[]): string | null {
  let at = args
  for (const name of path)
    at = at && (entries(bytes, at).find(({ key }) => textOf(bytes, key) === name)?.value ?? null)
  if (!at || bytes[at.start] === 0x7b || bytes[at.start] === 0x5b) return null
  const value: unknown = JSON.parse(decodeUtf8(rawOf(bytes, at)))
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? null : String(value)
}
