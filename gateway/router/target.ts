import { GatewayError } from '../errors'
import type { FeatureView } from '../policy/feature-view'
import type { Edit, Envelope } from '../wire/envelope'
import { member } from '../wire/members'
import { textOf } from '../wire/text'
import { replaceText, textMember, type Text } from './params'

/** What one request needs on its way up. */
export interface Target {
  serverId: string
  /** The original URI, where the request is about one. */
  uri: string | null
  edits: readonly Edit[]
  /** The original name, where the request calls a tool. */
  tool?: string
}

/** Whom a request is for, by what the view finds. Throws `rpc.method_unknown`, `feature.unknown`, `resource.unknown`. */
export function targetOf(view: FeatureView, message: Envelope): Target {
  switch (message.method) {
    case 'tools/call':
      return named(view, 'tool', textMember(message, message.params, 'name'))
    case 'prompts/get':
      return named(view, 'prompt', textMember(message, message.params, 'name'))
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return located(view, textMember(message, message.params, 'uri'))
    case 'completion/complete':
      return completed(view, message)
    default:
      throw new GatewayError('rpc.method_unknown')
  }
}

/** What a request asks for, in a word for the record; of an address without the parts that may carry data. */
export function wantedBy(message: Envelope): string {
  const { bytes, params } = message
  const ref = params && member(bytes, params, 'ref')
  const text = (key: string): string | null => {
    const span = [params, ref].map((object) => object && member(bytes, object, key)).find((found) => found)
    return span ? textOf(bytes, span) : null
  }
  const uri = text('uri')
  if (uri === null) return text('name') ?? ''
  return uri.replace(/[?#].*$/s, '').replace(/^([^/]*\/\/)[^/]*@/, '$1')
}

function named(view: FeatureView, kind: 'tool' | 'prompt', name: Text): Target {
  const { feature } = view.find(kind, name.text)
  const target: Target = { serverId: feature.serverId, uri: null, edits: replaceText(name, feature.name) }
  if (kind === 'tool') target.tool = feature.name
  return target
}

function located(view: FeatureView, uri: Text): Target {
  const target = view.route(uri.text)
  if (!target) {
    const data = { uri: uri.text }
    throw new GatewayError('resource.unknown', 'list again to see what there is', { data })
  }
  return { ...target, edits: replaceText(uri, target.uri) }
}

/** `ref` names a prompt, or a resource or template by its URI; arguments and context stay as they are. */
function completed(view: FeatureView, message: Envelope): Target {
  const ref = message.params && member(message.bytes, message.params, 'ref')
  const type = textMember(message, ref, 'type')
  if (type.text === 'ref/prompt') return named(view, 'prompt', textMember(message, ref, 'name'))
  if (type.text !== 'ref/resource') {
    throw new GatewayError('rpc.params', '"ref" must be a ref/prompt or a ref/resource')
  }
  const uri = textMember(message, ref, 'uri')
  const template = view.lookup('template', uri.text)
  if (!template) return located(view, uri)
  const { feature } = template
  return { serverId: feature.serverId, uri: feature.name, edits: replaceText(uri, feature.name) }
}
