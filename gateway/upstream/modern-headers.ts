import type { UpstreamRequest } from '../router/ports'
import type { MessageHeaders } from '../transport/channel'
import type { Edit, Span } from '../wire/envelope'
import { member } from '../wire/members'
import { textOf } from '../wire/text'
import { encodeHeaderText } from '../wire/header-text'
import { MODERN_VERSION } from './modern-envelope'
import type { ParamHeaders } from './param-headers'

/** The member of `params` that the header Mcp-Name repeats (MCP 2026-07-28, Streamable HTTP: standard headers). */
function namingMember(method: string): string | null {
  if (method === 'tools/call' || method === 'prompts/get') return 'name'
  if (method === 'resources/read') return 'uri'
  return method.startsWith('tasks/') ? 'taskId' : null
}

/** Headers of a request of the gateway's own. */
export const ownHeadersOf = (method: string): MessageHeaders => ({
  'mcp-protocol-version': MODERN_VERSION,
  'mcp-method': encodeHeaderText(method),
})

/** A text member of `params`, as it is once the edits are made. */
export function editedText({ message, edits }: UpstreamRequest, key: string): string | null {
  const { bytes, params } = message
  const span = params && member(bytes, params, key)
  if (!span) return null
  const edit = edits.find((one) => isAt(one, span))
  return edit ? textOf(edit.with, { start: 0, end: edit.with.length }) : textOf(bytes, span)
}

const isAt = (edit: Edit, span: Span): boolean => edit.start === span.start && edit.end === span.end

/** Headers that repeat what a client's request says. */
export function headersOf(request: UpstreamRequest, params: ParamHeaders): MessageHeaders {
  const { message } = request
  const method = message.method ?? ''
  const standard = ownHeadersOf(method)
  const key = namingMember(method)
  const name = key && editedText(request, key)
  if (name === null) return standard
  const named = { ...standard, 'mcp-name': encodeHeaderText(name) }
  if (method !== 'tools/call' || !message.params) return named
  const args = member(message.bytes, message.params, 'arguments')
  return { ...named, ...params.of(name, message.bytes, args) }
}
