import type { FeatureView } from '../policy/feature-view'
import type { Edit, Envelope, Span } from '../wire/envelope'
import { elements, member } from '../wire/members'
import { textOf } from '../wire/text'
import { quote } from './params'

/**
 * Edits that put the exposed form of a server's URIs into its result: `uri` of resource links and embedded resources
 * in `content` and `messages[].content`, and of `contents`. What cannot be read is left as it came.
 */
export function resultUriEdits(view: FeatureView, serverId: string, { bytes, result }: Envelope): Edit[] {
  if (!result) return []
  const edits: Edit[] = []
  const replace = (object: Span) => {
    const span = member(bytes, object, 'uri')
    const uri = span && textOf(bytes, span)
    if (!span || uri === null) return
    const exposed = view.exposedUri(serverId, uri)
    if (exposed !== null && exposed !== uri)
      edits.push({ start: span.start, end: span.end, with: quote(exposed) })
  }
  const block = (object: Span) => {
    const type = member(bytes, object, 'type')
    const name = type && textOf(bytes, type)
    if (name === 'resource_link') replace(object)
    const embedded = name === 'resource' ? member(bytes, object, 'resource') : null
    if (embedded) replace(embedded)
  }
  const blocks = (value: Span | null) => {
    if (!value) return
    if (bytes[value.start] === 0x5b) for (const element of elements(bytes, value)) block(element)
    else block(value)
  }
  const inArray = (key: string, visit: (element: Span) => void) => {
    const array = member(bytes, result, key)
    if (array) for (const element of elements(bytes, array)) visit(element)
  }
  try {
    blocks(member(bytes, result, 'content'))
    inArray('messages', (message) => blocks(member(bytes, message, 'content')))
    inArray('contents', replace)
  } catch {
    // A repeated key: whichever of the two the client reads, it is the server's own.
    return []
  }
  return edits
}
