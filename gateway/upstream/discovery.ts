import type { Feature, FeatureKind } from '../domain/feature'
import type { ReadSetting } from '../domain/settings'
import { GatewayError } from '../errors'
import type { Span } from '../wire/envelope'
import { elements, member, rawOf } from '../wire/members'
import { textOf } from '../wire/text'
import { RefusedError } from './answers'
import { SignInNeededError } from '../transport/authorization'
import type { ChannelEvents } from '../transport/channel'
import type { Connection } from './connection'

interface ListSpec {
  kind: FeatureKind
  capability: 'tools' | 'prompts' | 'resources'
  method: string
  /** Member of the result that holds the entries, and member of an entry that names it. */
  member: string
  key: string
}

const lists: readonly ListSpec[] = [
  { kind: 'tool', capability: 'tools', method: 'tools/list', member: 'tools', key: 'name' },
  { kind: 'prompt', capability: 'prompts', method: 'prompts/list', member: 'prompts', key: 'name' },
  { kind: 'resource', capability: 'resources', method: 'resources/list', member: 'resources', key: 'uri' },
  {
    kind: 'template',
    capability: 'resources',
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
  },
]

const METHOD_NOT_FOUND = -32601
/** Deepest nesting of one definition. */
const MAX_DEPTH = 64
/** Lines in the log about one list. */
const MOST_LINES = 50
const decoder = new TextDecoder()

export interface DiscoveryOptions {
  connection: Connection
  settings: ReadSetting
  log: ChannelEvents['onLog']
  signal: AbortSignal
  /** Which lists to read again; all when absent. */
  only?: readonly ListSpec['capability'][]
}

export interface Discovered {
  kind: FeatureKind
  features: readonly Feature[]
}

/**
 * Reads the lists a server advertises, page by page with caps. A list that fails is left out (its catalog stays as it
 * was); a list of what the server does not advertise is empty; a bad entry costs only itself. Throws when the
 * connection ends on the way, and `SignInNeededError` when the server wants one for anything at all.
 */
export async function* discover(serverId: string, options: DiscoveryOptions): AsyncGenerator<Discovered> {
  for (const list of lists) {
    if (options.only && !options.only.includes(list.capability)) continue
    if (!options.connection.hasCapability(list.capability)) {
      yield { kind: list.kind, features: [] }
      continue
    }
    try {
      yield { kind: list.kind, features: await readList(serverId, list, options) }
    } catch (error) {
      if (options.signal.aborted || options.connection.ended) throw error
      // Lacking rights for one list says nothing of the others.
      if (error instanceof SignInNeededError && error.need !== 'scope') throw error
      if (error instanceof RefusedError && error.rpcCode === METHOD_NOT_FOUND) {
        yield { kind: list.kind, features: [] }
      } else {
        options.log('Feature', `${list.method} failed, the last known entries stay: ${describe(error)}`)
      }
    }
  }
}

const describe = (error: unknown): string =>
  error instanceof GatewayError ? error.message : 'unreadable answer'

async function readList(serverId: string, list: ListSpec, given: DiscoveryOptions): Promise<Feature[]> {
  const options = { ...given, log: limited(given.log) }
  const { connection, settings, log, signal } = options
  const features = new Map<string, Feature>()
  const cursors = new Set<string>()
  let cursor: string | null = null
  for (let page = 0; ; page++) {
    if (page >= settings('limits.list_pages')) {
      log('Feature', `${list.method}: stopped after ${page} pages (limits.list_pages)`)
      break
    }
    const params: object = cursor === null ? {} : { cursor }
    const result: Uint8Array = await connection.ask(list.method, params, settings('timeouts.list'), signal)
    const whole = { start: 0, end: result.length }
    const entries = member(result, whole, list.member)
    if (!entries || result[entries.start] !== 0x5b)
      throw new GatewayError('upstream.garbage', `no ${list.member} array`)
    for (const entry of elements(result, entries)) {
      const feature = readEntry(serverId, list, result, entry, features.size, options)
      if (!feature) continue
      if (features.has(feature.name))
        log('Feature', `${list.method}: a second ${quote(feature.name)} was left out`)
      else features.set(feature.name, feature)
      if (features.size >= settings('limits.tools_per_server')) {
        log('Feature', `${list.method}: stopped at ${features.size} entries (limits.tools_per_server)`)
        return [...features.values()]
      }
    }
    const next = member(result, whole, 'nextCursor')
    cursor = next ? textOf(result, next) : null
    if (cursor === null || cursor === '') break
    if (cursors.has(cursor)) {
      log('Feature', `${list.method}: the server repeats a cursor, stopped`)
      break
    }
    cursors.add(cursor)
  }
  return [...features.values()]
}

function readEntry(
  serverId: string,
  list: ListSpec,
  bytes: Uint8Array,
  entry: Span,
  position: number,
  { connection, settings, log }: DiscoveryOptions,
): Feature | null {
  const drop = (why: string) => {
    log('Feature', `${list.method}: an entry was left out: ${why}`)
    return null
  }
  if (bytes[entry.start] !== 0x7b) return drop('not an object')
  if (entry.end - entry.start > settings('limits.definition_bytes'))
    return drop('over limits.definition_bytes')
  if (depthOf(bytes, entry) > MAX_DEPTH) return drop(`nested deeper than ${MAX_DEPTH}`)
  let name: string | null
  try {
    const span = member(bytes, entry, list.key)
    name = span ? textOf(bytes, span) : null
  } catch {
    return drop(`more than one ${list.key}`)
  }
  if (!name) return drop(`no ${list.key}`)
  const descriptor = decoder.decode(rawOf(bytes, entry))
  const feature: Feature = { serverId, kind: list.kind, name, descriptor, position }
  const refusal = connection.refusal(feature)
  return refusal === null ? feature : drop(`${quote(name)}: ${refusal}`)
}

/** Deepest nesting of brackets in a value known to be well-formed. */
function depthOf(bytes: Uint8Array, { start, end }: Span): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (inString) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return deepest
}

/** A log for one list: a server with ten thousand bad entries is told of once. */
function limited(log: ChannelEvents['onLog']): ChannelEvents['onLog'] {
  let lines = 0
  return (source, line) => {
    lines++
    if (lines <= MOST_LINES) log(source, line)
    else if (lines === MOST_LINES + 1) log(source, 'what else is wrong with this list is not logged')
  }
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 100))
