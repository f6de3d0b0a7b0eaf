// What a result needs to be one of MCP 2026-07-28. Members a server wrote itself stay as they are.
import type { Edit, Envelope, Span } from '../wire/envelope'
import { insertMembers } from '../wire/insert'
import { member, rawOf } from '../wire/members'
import { concat } from '../wire/splice'
import { decodeUtf8, encodeUtf8, textOf } from '../wire/text'

/**
 * Rights of a client, the Space and the catalog may change at any moment, and what one key sees is nobody else's: lists
 * are fresh for no time, and private.
 */
const cachedNever = '"ttlMs":0,"cacheScope":"private"'
const listHead = encodeUtf8(`{"resultType":"complete",${cachedNever},`)

/** A list of ours with its hints; `page` is a JSON object with at least one member. */
export const modernPage = (page: Uint8Array): Uint8Array => concat([listHead, page.subarray(1)])

/** Whether a result asks its client for more (multi round-trip requests). */
export function asksForInput({ bytes, result }: Envelope): boolean {
  const type = result && member(bytes, result, 'resultType')
  return type !== null && textOf(bytes, type) === 'input_required'
}

/**
 * Edits that make the answer of any server one of the modern era: `resultType`, hints for caches, which never say
 * "public" because the same address may mean something else in another Space, and the number of "not found".
 */
export function modernEdits(method: string | null, answer: Envelope): Edit[] {
  const { bytes, result, error } = answer
  if (error) return errorEdits(bytes, error)
  if (!result || bytes[result.start] !== 0x7b) return []
  const missing: string[] = []
  const edits: Edit[] = []
  if (!member(bytes, result, 'resultType')) missing.push('"resultType":"complete"')
  if (method === 'resources/read' && !asksForInput(answer)) {
    const scope = member(bytes, result, 'cacheScope')
    if (!scope) missing.push('"cacheScope":"private"')
    else if (textOf(bytes, scope) !== 'private') edits.push({ ...scope, with: encodeUtf8('"private"') })
    if (!member(bytes, result, 'ttlMs')) missing.push('"ttlMs":0')
  }
  if (missing.length > 0) edits.unshift(insertMembers(bytes, result, missing.join(',')))
  return edits
}

/** -32002 was "resource not found" up to 2025-11-25, and must not be sent any more. */
function errorEdits(bytes: Uint8Array, error: Span): Edit[] {
  const code = member(bytes, error, 'code')
  if (!code || decodeUtf8(rawOf(bytes, code)) !== '-32002') return []
  return [{ ...code, with: encodeUtf8('-32602') }]
}
