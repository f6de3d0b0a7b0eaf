import { type Mirrored, mirroredParams } from '../domain/mirrored-params'
import { GatewayError } from '../errors'
import type { FeatureView, ViewEntry } from '../policy/feature-view'
import type { Envelope } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { decodeUtf8 } from '../wire/text'
import { decodeHeaderText } from '../wire/header-text'

/**
 * Checks the `Mcp-Param-…` headers of a `tools/call` of this name against its arguments (MCP 2026-07-28, custom headers from tool
 * parameters). Throws `rpc.header_mismatch`. Headers no parameter asks for are left alone.
 */
export function createParamHeaders(): (
  headers: Headers,
  message: Envelope,
  name: string | null,
  view: FeatureView,
) => void {
  const known = new WeakMap<ViewEntry, readonly Mirrored[]>()

  const mirroredBy = (entry: ViewEntry): readonly Mirrored[] => {
    const read = known.get(entry) ?? mirroredParams(entry.feature.descriptor).mirrored
    known.set(entry, read)
    return read
  }

  return (headers, { bytes, method, params }, name, view) => {
    const entry = method === 'tools/call' && name !== null ? view.lookup('tool', name) : null
    const mirrored = entry ? mirroredBy(entry) : []
    if (mirrored.length === 0) return
    const span = params && member(bytes, params, 'arguments')
    const args: unknown = span ? JSON.parse(decodeUtf8(rawOf(bytes, span))) : {}
    for (const { header, path } of mirrored) {
      const said = at(args, path)
      if (said === undefined || said === null) continue
      const value = headers.get(header)
      if (value === null) throw new GatewayError('rpc.header_mismatch', `the header ${header} is required`)
      if (!same(decodeHeaderText(value.trim()), said))
        throw new GatewayError('rpc.header_mismatch', `${header} is not what the arguments say`)
    }
  }
}

/** Integers are the same however they are written; anything but a primitive has no header. */
function same(decoded: string | null, said: unknown): boolean {
  if (typeof said === 'number') return decoded !== null && decoded.trim() !== '' && Number(decoded) === said
  return typeof said === 'string' || typeof said === 'boolean' ? decoded === String(said) : true
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (found, key) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, key)
        ? (found as Record<string, unknown>)[key]
        : undefined,
    value,
  )
