import {
  featureKinds,
  type Feature,
  type FeatureKind,
  type FeaturePin,
  type ServerCatalog,
} from '../domain/feature'
import type { Server } from '../domain/server'
import type { Edit, Span } from '../wire/envelope'
import { member } from '../wire/members'
import { splice } from '../wire/splice'
import { textOf } from '../wire/text'
import type { ViewEntry } from './feature-view'
import { exposedName } from './naming'
import { compileTemplate, type UriTemplate } from './uri-template'
import { wrapUri } from './uris'

/** One feature of one server, ready for any view. */
export interface PreparedEntry {
  plain: ViewEntry
  /** The same under its wrapped URI; resources and templates only. */
  wrapped(): ViewEntry
  /** Matcher of the exposed form; null for other kinds and for templates that are none. */
  template(wrapped: boolean): UriTemplate | null
  /** URI of the user interface a tool points at (MCP Apps), null without one. */
  interfaceUri: string | null
  /** The tool with its pointers to a user interface replaced. */
  linkedTo(uri: string): ViewEntry
}

/** A server with everything the views of its Space share. */
export interface PreparedServer {
  server: Server
  /** Stands for the server in wrapped URIs. */
  label: string
  /** What the server last said of how to use it. */
  said: string | null
  /** What clients are told of that. */
  instructions: string | null
  /** Raw JSON object. */
  capabilities: string
  entries: Readonly<Record<FeatureKind, readonly PreparedEntry[]>>
}

const encoder = new TextEncoder()
const keys: Record<FeatureKind, string> = {
  tool: 'name',
  prompt: 'name',
  resource: 'uri',
  template: 'uriTemplate',
}

/** Prepares a server's catalog. Entries that did not change since `before` are kept, bytes and all. */
export function prepareServer(
  server: Server,
  catalog: ServerCatalog,
  before?: PreparedServer,
): PreparedServer {
  const label = server.alias || server.id
  const reusable = before && before.server.alias === server.alias ? before : null
  const entries: Record<FeatureKind, PreparedEntry[]> = { tool: [], prompt: [], resource: [], template: [] }
  const kept = new Map<string, PreparedEntry>()
  for (const kind of featureKinds) {
    for (const entry of reusable?.entries[kind] ?? []) kept.set(`${kind} ${entry.plain.feature.name}`, entry)
  }
  const seen = new Set<string>()
  for (const feature of [...catalog.features].sort((a, b) => a.position - b.position)) {
    const key = `${feature.kind} ${feature.name}`
    if (seen.has(key)) continue
    seen.add(key)
    const old = kept.get(key)
    const entry =
      old && sameFeature(old.plain.feature, feature) ? old : prepareEntry(server.alias, label, feature)
    if (entry) entries[feature.kind].push(entry)
  }
  const { instructions = null, capabilities = '{}' } = catalog.handshake ?? {}
  return { server, label, said: instructions, instructions, capabilities, entries }
}

const sameFeature = (a: Feature, b: Feature): boolean =>
  a.descriptor === b.descriptor &&
  a.position === b.position &&
  a.firstSeenAt === b.firstSeenAt &&
  samePin(a.pin ?? null, b.pin ?? null)

const samePin = (a: FeaturePin | null, b: FeaturePin | null): boolean =>
  a === b ||
  (a !== null &&
    b !== null &&
    a.acceptedByPerson === b.acceptedByPerson &&
    a.hints?.readOnly === b.hints?.readOnly &&
    a.hints?.destructive === b.hints?.destructive &&
    a.hints?.idempotent === b.hints?.idempotent &&
    a.hints?.openWorld === b.hints?.openWorld)

/** null for a descriptor that is no object with its name: one bad entry costs only itself. */
function prepareEntry(alias: string, label: string, feature: Feature): PreparedEntry | null {
  const bytes = encoder.encode(feature.descriptor)
  const whole = { start: 0, end: bytes.length }
  const named = feature.kind === 'tool' || feature.kind === 'prompt'
  let name: Span | null
  let pointers: Span[]
  try {
    name = member(bytes, whole, keys[feature.kind])
    pointers =
      feature.kind === 'tool' && feature.descriptor.includes('resourceUri')
        ? interfacePointers(bytes, whole)
        : []
  } catch {
    return null
  }
  if (!name) return null
  const rename = (to: string): Edit => ({ start: name.start, end: name.end, with: quoted(to) })
  const exposed = named ? exposedName(alias, feature.name) : feature.name
  const changed = exposed !== feature.name
  const plain: ViewEntry = {
    exposedName: exposed,
    alias,
    feature,
    descriptor: changed ? splice(bytes, [rename(exposed)]) : bytes,
  }
  const [pointer] = pointers
  let wrapped: ViewEntry | null = null
  let linked: ViewEntry | null = null
  let linkedUri = ''
  const templates: [(UriTemplate | null)?, (UriTemplate | null)?] = []
  return {
    plain,
    wrapped() {
      const uri = wrapUri(label, feature.name)
      return (wrapped ??= { exposedName: uri, alias, feature, descriptor: splice(bytes, [rename(uri)]) })
    },
    template(inWrappedForm) {
      if (feature.kind !== 'template') return null
      const at = inWrappedForm ? 1 : 0
      const known = templates[at]
      if (known !== undefined) return known
      return (templates[at] = compileTemplate(inWrappedForm ? wrapUri(label, feature.name) : feature.name))
    },
    interfaceUri: pointer ? textOf(bytes, pointer) : null,
    linkedTo(uri) {
      if (linked && linkedUri === uri) return linked
      const edits = [
        ...(changed ? [rename(exposed)] : []),
        ...pointers.map((span) => ({ ...span, with: quoted(uri) })),
      ]
      linkedUri = uri
      linked = {
        ...plain,
        descriptor: splice(
          bytes,
          edits.sort((a, b) => a.start - b.start),
        ),
      }
      return linked
    },
  }
}

/** `_meta.ui.resourceUri` and its older spelling `_meta["ui/resourceUri"]` (MCP Apps), where both name one URI. */
function interfacePointers(bytes: Uint8Array, tool: Span): Span[] {
  const meta = member(bytes, tool, '_meta')
  if (!meta || bytes[meta.start] !== 0x7b) return []
  const ui = member(bytes, meta, 'ui')
  const nested = ui && bytes[ui.start] === 0x7b ? member(bytes, ui, 'resourceUri') : null
  const flat = member(bytes, meta, 'ui/resourceUri')
  const found = [nested, flat].filter((span) => span !== null)
  const texts = found.map((span) => textOf(bytes, span))
  return texts.every((text) => text !== null && text === texts[0]) ? found : []
}

const quoted = (text: string): Uint8Array => encoder.encode(JSON.stringify(text))
