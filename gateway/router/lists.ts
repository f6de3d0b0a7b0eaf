import type { FeatureKind } from '../domain/feature'
import { withHiddenShown } from '../domain/hidden-text'
import { reasonWords } from '../domain/pins'
import type { ReadSetting } from '../domain/settings'
import { GatewayError } from '../errors'
import type { FeatureView, ViewEntry } from '../policy/feature-view'
import { concat } from '../wire/splice'
import type { Absence } from './ports'

/** Key in a list's `_meta` that names servers whose part of the list may be missing or old. */
export const absentKey = 'com.mcpmux/absent'
/** Key in a list's `_meta` that names what is kept from it until a person accepts it. */
export const withheldKey = 'com.mcpmux/withheld'
/** Withheld names told in one list. */
const MOST_WITHHELD = 100

export interface ListsOptions {
  settings: ReadSetting
  /** Servers of a Space that are not up, and why. */
  absences(spaceId: string): readonly Absence[]
}

export interface Lists {
  /**
   * The result of a list request, as JSON bytes, from the view alone. `cursor` is what an earlier page gave; throws
   * `cursor.invalid` when it did not.
   */
  page(view: FeatureView, kind: FeatureKind, cursor: string | null): Uint8Array
}

interface Page {
  /** The result up to its last brace. */
  open: Uint8Array
  whole: Uint8Array
}

const members: Record<FeatureKind, string> = {
  tool: 'tools',
  prompt: 'prompts',
  resource: 'resources',
  template: 'resourceTemplates',
}
const encoder = new TextEncoder()
const comma = encoder.encode(',')
const brace = encoder.encode('}')

/**
 * Merged lists. Nothing here waits for a server, and a page is put together once per list: clients that see the same
 * share the bytes.
 */
export function createLists({ settings, absences }: ListsOptions): Lists {
  // Keyed by the array itself: it is immutable, and a view whose list did not change keeps it.
  const pages = new WeakMap<readonly ViewEntry[], Map<string, Page>>()

  function pageAt(entries: readonly ViewEntry[], kind: FeatureKind, start: number): Page {
    const size = settings('limits.page_size')
    // Other starts come from cursors into a list that changed; keeping those would let a client fill the memory.
    if (start % size !== 0) return render(entries, kind, start, size)
    let known = pages.get(entries)
    if (!known) pages.set(entries, (known = new Map()))
    const key = `${kind} ${size} ${start}`
    let page = known.get(key)
    if (!page) {
      // A changed page size leaves the pages of the old one behind.
      if (known.size > entries.length / size + 1) known.clear()
      page = render(entries, kind, start, size)
      known.set(key, page)
    }
    return page
  }

  return {
    page(view, kind, cursor) {
      const entries = view.list(kind)
      const page = pageAt(entries, kind, cursor === null ? 0 : resume(entries, kind, cursor))
      const missing = absences(view.spaceId).filter(({ alias }) => view.concerns(alias))
      const absent = missing.map(({ alias, reason }) => ({ server: alias, reason }))
      const withheld = withheldFrom(view, kind)
      if (absent.length + withheld.length === 0) return page.whole
      const meta = {
        ...(absent.length > 0 ? { [absentKey]: absent } : {}),
        ...(withheld.length > 0 ? { [withheldKey]: withheld } : {}),
      }
      return concat([page.open, encoder.encode(`,"_meta":${JSON.stringify(meta)}}`)])
    },
  }
}

/**
 * What a list does not have until a person accepts it; instructions are told with the tools. A name may be what hides
 * something, so it is told with that as escapes.
 */
const withheldFrom = (view: FeatureView, kind: FeatureKind) =>
  view
    .withheld()
    .filter((entry) => entry.kind === kind || (kind === 'tool' && entry.kind === 'instructions'))
    .slice(0, MOST_WITHHELD)
    .map(({ alias, kind: what, exposedName, reasons }) => ({
      server: alias,
      kind: what,
      ...(exposedName === '' ? {} : { name: withHiddenShown(exposedName) }),
      reason: `${reasonWords(reasons)}; a person has to accept it with "mcpmux pins"`,
    }))

function render(entries: readonly ViewEntry[], kind: FeatureKind, start: number, size: number): Page {
  const end = Math.min(entries.length, start + size)
  const pieces: Uint8Array[] = [encoder.encode(`{"${members[kind]}":[`)]
  for (let i = start; i < end; i++) {
    const entry = entries[i]
    if (!entry) break
    if (i > start) pieces.push(comma)
    pieces.push(entry.descriptor)
  }
  const last = entries[end - 1]
  const next = last && end < entries.length ? `,"nextCursor":"${cursorAfter(kind, last, end)}"` : ''
  pieces.push(encoder.encode(`]${next}`))
  const open = concat(pieces)
  return { open, whole: concat([open, brace]) }
}

/** Opaque to clients: the kind, the place, and the last name, which finds the place again when the list changed. */
const cursorAfter = (kind: FeatureKind, last: ViewEntry, place: number): string =>
  Buffer.from(JSON.stringify([kind, place, last.exposedName])).toString('base64url')

/**
 * Index at which the next page begins. When the last entry given is gone, what followed it has moved up to its
 * place, or near it.
 */
function resume(entries: readonly ViewEntry[], kind: FeatureKind, cursor: string): number {
  const [place, name] = readCursor(kind, cursor)
  if (entries[place - 1]?.exposedName === name) return place
  const found = entries.findIndex((entry) => entry.exposedName === name)
  return found >= 0 ? found + 1 : Math.min(place - 1, entries.length)
}

const MAX_CURSOR = 16_384

function readCursor(kind: FeatureKind, cursor: string): [place: number, name: string] {
  try {
    if (cursor.length > MAX_CURSOR || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw new SyntaxError('not a cursor')
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(read) && read.length === 3 && read[0] === kind) {
      const [, place, name] = read as unknown[]
      if (Number.isSafeInteger(place) && Number(place) > 0 && typeof name === 'string')
        return [Number(place), name]
    }
  } catch {
    // Falls through: whatever it is, it is none of ours.
  }
  throw new GatewayError('cursor.invalid')
}
