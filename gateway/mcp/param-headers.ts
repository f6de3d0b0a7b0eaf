import { GatewayError } from '../errors'
import type { FeatureView, ViewEntry } from '../policy/feature-view'
import type { Envelope } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { decodeUtf8, textOf } from '../wire/text'
import { decodeHeaderValue } from './header-values'

/** One parameter of a tool that its calls repeat in a header. */
interface Mirrored {
  header: string
  path: readonly string[]
}

/**
 * Checks the `Mcp-Param-…` headers of a `tools/call` against its arguments (MCP 2026-07-28, custom headers from tool
 * parameters). Throws `rpc.header_mismatch`. Headers no parameter asks for are left alone.
 */
export function createParamHeaders(): (headers: Headers, message: Envelope, view: FeatureView) => void {
  const known = new WeakMap<ViewEntry, readonly Mirrored[]>()

  const mirroredBy = (entry: ViewEntry): readonly Mirrored[] => {
    const read = known.get(entry) ?? mirroredIn(entry.feature.descriptor)
    known.set(entry, read)
    return read
  }

  return (headers, { bytes, method, params }, view) => {
    const name = method === 'tools/call' && params ? member(bytes, params, 'name') : null
    const entry = name && view.lookup('tool', textOf(bytes, name) ?? '')
    const mirrored = entry ? mirroredBy(entry) : []
    if (mirrored.length === 0) return
    const span = params && member(bytes, params, 'arguments')
    const args: unknown = span ? JSON.parse(decodeUtf8(rawOf(bytes, span))) : {}
    for (const { header, path } of mirrored) {
      const said = at(args, path)
      if (said === undefined || said === null) continue
      const value = headers.get(header)
      if (value === null) throw new GatewayError('rpc.header_mismatch', `the header ${header} is required`)
      if (!same(decodeHeaderValue(value.trim()), said))
        throw new GatewayError('rpc.header_mismatch', `${header} is not what the arguments say`)
    }
  }
}

/** Integers are the same however they are written; anything but a primitive has no header. */
function same(decoded: string | null, said: unknown): boolean {
  if (typeof said === 'number') return decoded !== null && decoded.trim() !== '' && Number(decoded) === said
  return typeof said === 'string' || typeof said === 'boolean' ? decoded === String(said) : true
}

function mirroredIn(descriptor: string): readonly Mirrored[] {
  if (!descriptor.includes('x-mcp-header')) return []
  const found: Mirrored[] = []
  const walk = (schema: unknown, path: readonly string[]): void => {
    const properties = at(schema, ['properties'])
    if (typeof properties !== 'object' || properties === null) return
    for (const [key, property] of Object.entries(properties)) {
      const name = at(property, ['x-mcp-header'])
      // Another name cannot be a header, and a client must not offer such a tool.
      if (typeof name === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
        found.push({ header: `Mcp-Param-${name}`, path: [...path, key] })
      walk(property, [...path, key])
    }
  }
  walk(at(JSON.parse(descriptor), ['inputSchema']), [])
  return found
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (found, key) =>
      typeof found === 'object' && found !== null && Object.hasOwn(found, key)
        ? (found as Record<string, unknown>)[key]
        : undefined,
    value,
  )
