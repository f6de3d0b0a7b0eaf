// Arguments of a tool that its schema wants repeated in headers (MCP 2026-07-28, tools: x-mcp-header).
import type { Feature } from '../domain/feature'
import { type Mirrored, mirroredParams } from '../domain/mirrored-params'
import type { MessageHeaders } from '../transport/channel'
import type { Span } from '../wire/envelope'
import { entries, rawOf } from '../wire/members'
import { decodeUtf8, textOf } from '../wire/text'
import { encodeHeaderText } from '../wire/header-text'

/** Why a server may not offer this feature over HTTP; null when it may. */
export const mirrorFault = ({ kind, descriptor }: Feature): string | null =>
  kind === 'tool' ? mirroredParams(descriptor).fault : null

export interface ParamHeaders {
  /** Headers for a call of this tool with these arguments. */
  of(tool: string, bytes: Uint8Array, args: Span | null): MessageHeaders
  /** The tools may have changed. */
  forget(): void
}

/** Reads the tools when one is first called, and again after `forget`. */
export function createParamHeaders(tools: () => readonly Feature[]): ParamHeaders {
  let known: Map<string, readonly Mirrored[]> | null = null
  const load = (): Map<string, readonly Mirrored[]> =>
    new Map(
      tools().flatMap(({ name, descriptor }) => {
        const { mirrored, fault } = mirroredParams(descriptor)
        return mirrored.length > 0 && !fault ? [[name, mirrored] as const] : []
      }),
    )
  return {
    of(tool, bytes, args) {
      known ??= load()
      const headers: Record<string, string> = {}
      for (const { path, header } of known.get(tool) ?? []) {
        const text = valueAt(bytes, args, path)
        if (text !== null) headers[header] = encodeHeaderText(text)
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
