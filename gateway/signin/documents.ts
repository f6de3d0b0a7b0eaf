// Clients whose id is the address of a document about them (OAuth Client ID Metadata Document, draft 02).
import { claimedName } from '../domain/claimed-name'
import { isDocumentId } from '../domain/document-id'
import { createRate } from '../domain/rate'
import { createFetchWhole } from '../net/fetch-whole'
import type { SafeFetch } from '../net/safe-fetch'
import type { Runtime } from '../runtime'
import { allowedRedirects } from './redirect-uris'

/** What a document says of its client, as far as it can be used here. */
export interface ClientDocument {
  name: string
  redirectUris: readonly string[]
}

/** Documents by their address. Each answer is remembered for a while, a failure too. */
export type FindDocument = (id: string) => Promise<ClientDocument | null>

const MOST_BYTES = 64 * 1024
const TOTAL_MS = 5000
const MOST_REMEMBERED = 64
const GOOD_MS = 600_000
const FAILED_MS = 30_000

/** Methods by which a client would prove itself; we could not tell whether it did. */
const authenticates = (method: unknown): boolean => method !== undefined && method !== 'none'

function read(id: string, text: string): ClientDocument | null {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const fields = new Map<string, unknown>(Object.entries(value))
  const [name, uris] = [fields.get('client_name'), fields.get('redirect_uris')]
  if (fields.get('client_id') !== id || fields.has('client_secret')) return null
  if (authenticates(fields.get('token_endpoint_auth_method'))) return null
  const redirectUris = Array.isArray(uris) ? allowedRedirects(uris) : []
  if (redirectUris.length === 0) return null
  return { name: claimedName(typeof name === 'string' ? name : ''), redirectUris }
}

/** Fetches from public addresses only, follows no redirect, and takes 64 KiB in five seconds at most. */
export function createDocuments(deps: {
  safeFetch: SafeFetch
  runtime: Pick<Runtime, 'monotonic' | 'sleep'>
}): FindDocument {
  const { runtime } = deps
  const fetchWhole = createFetchWhole(deps)
  const known = new Map<string, { document: Promise<ClientDocument | null>; until: number }>()
  const rate = createRate({ burst: 10, perSecond: 0.2, runtime })

  async function fetchOnce(id: string): Promise<ClientDocument | null> {
    try {
      const { status, headers, body } = await fetchWhole(new URL(id), {
        trust: { kind: 'found', typedUrl: null },
        headers: { accept: 'application/json' },
        maxBytes: MOST_BYTES,
        totalMs: TOTAL_MS,
      })
      const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
      const fits = status === 200 && /^application\/(?:[\w.-]+\+)?json$/.test(type)
      return fits ? read(id, new TextDecoder('utf-8', { fatal: true }).decode(body)) : null
    } catch {
      // Unreachable, too large, too slow, not JSON: to the person it is all one, the program cannot be told.
      return null
    }
  }

  return (id) => {
    if (!isDocumentId(id)) return Promise.resolve(null)
    const now = runtime.monotonic()
    const remembered = known.get(id)
    if (remembered && remembered.until > now) return remembered.document
    if (!rate.take()) return Promise.resolve(null)
    if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value ?? '')
    const entry = { document: fetchOnce(id), until: now + FAILED_MS }
    known.set(id, entry)
    return entry.document.then((document) => {
      if (document) entry.until = runtime.monotonic() + GOOD_MS
      return document
    })
  }
}
