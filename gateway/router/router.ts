import type { Exchange } from '../domain/exchange'
import type { FeatureKind } from '../domain/feature'
import { GatewayError } from '../errors'
import type { FeatureView } from '../policy/feature-view'
import { type Edit, type Envelope, WireError } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { resultMessage } from '../wire/messages'
import { splice } from '../wire/splice'
import { encodeUtf8 } from '../wire/text'
import type { Lists } from './lists'
import { optionalText, progressTokenOf, replaceText, textMember, type Text } from './params'
import type { UpstreamRequest, Upstreams } from './ports'
import { resultUriEdits } from './result-uris'

export interface Router {
  /**
   * Answers one request of a client within what its view shows. Resolves with the complete response message under the
   * client's own id token; a server's own error is such a response. Rejects with a GatewayError for what is ours:
   * `rpc.params`, `rpc.method_unknown`, `feature.unknown`, `resource.unknown`, `cursor.invalid` and what `Upstreams`
   * rejects with.
   */
  route(view: FeatureView, message: Envelope, exchange: Exchange): Promise<Uint8Array>
}

export interface RouterOptions {
  upstreams: Upstreams
  lists: Lists
}

/** What one request needs on its way up. */
interface Target {
  serverId: string
  /** The original URI, where the request is about one. */
  uri: string | null
  edits: readonly Edit[]
}

const listKinds: ReadonlyMap<string | null, FeatureKind> = new Map([
  ['tools/list', 'tool'],
  ['prompts/list', 'prompt'],
  ['resources/list', 'resource'],
  ['resources/templates/list', 'template'],
])
const emptyResult = encodeUtf8('{}')
const nothingToComplete = encodeUtf8('{"completion":{"values":[]}}')

/**
 * Routes by what the view finds, never by the parts of a name. Messages go up and come down as the bytes they were,
 * with nothing replaced but the id, the progress token, and names and URIs that are exposed in another form.
 */
export function createRouter({ upstreams, lists }: RouterOptions): Router {
  /** The server's answer; null when the server need not be asked. */
  function ask(target: Target, message: Envelope, exchange: Exchange): Promise<Envelope | null> {
    const { serverId, uri, edits } = target
    const request: UpstreamRequest = { message, edits, progressToken: progressTokenOf(message, exchange) }
    if (uri !== null && message.method === 'resources/subscribe') {
      return upstreams.subscribe(serverId, uri, request, exchange)
    }
    if (uri !== null && message.method === 'resources/unsubscribe') {
      return upstreams.unsubscribe(serverId, uri, request, exchange)
    }
    return upstreams.request(serverId, request, exchange)
  }

  return {
    async route(view, message, exchange) {
      const kind = listKinds.get(message.method)
      try {
        if (kind) {
          const cursor = optionalText(message, message.params, 'cursor')
          return resultMessage(idOf(message), lists.page(view, kind, cursor))
        }
        const target = targetOf(view, message)
        const answer = await ask(target, message, exchange)
        if (answer === null) return resultMessage(idOf(message), emptyResult)
        if (message.method === 'completion/complete' && refusesMethod(answer))
          return resultMessage(idOf(message), nothingToComplete)
        return answered(view, target.serverId, message, answer)
      } catch (error) {
        if (error instanceof WireError) throw new GatewayError('rpc.params', error.message, { cause: error })
        throw error
      }
    },
  }
}

function targetOf(view: FeatureView, message: Envelope): Target {
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

function named(view: FeatureView, kind: 'tool' | 'prompt', name: Text): Target {
  const { feature } = view.find(kind, name.text)
  return { serverId: feature.serverId, uri: null, edits: replaceText(name, feature.name) }
}

function located(view: FeatureView, uri: Text): Target {
  const target = view.route(uri.text)
  if (!target) throw new GatewayError('resource.unknown', 'list again to see what there is')
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

/**
 * True for an answer that says the server has no such method. Completion is the gateway's to offer: a client that is
 * told so for one server stops asking for all.
 */
function refusesMethod({ bytes, error }: Envelope): boolean {
  const code = error && member(bytes, error, 'code')
  return code !== null && Buffer.from(rawOf(bytes, code)).toString() === '-32601'
}

/** The server's answer under the client's id. */
function answered(view: FeatureView, serverId: string, message: Envelope, answer: Envelope): Uint8Array {
  if (!answer.id) throw new GatewayError('upstream.garbage', 'an answer without an id')
  const id: Edit = { start: answer.id.start, end: answer.id.end, with: idOf(message) }
  if (!view.rewritesUris(serverId)) return splice(answer.bytes, [id])
  const edits = [...resultUriEdits(view, serverId, answer), id]
  return splice(
    answer.bytes,
    edits.sort((a, b) => a.start - b.start),
  )
}

function idOf(message: Envelope): Uint8Array {
  if (!message.id) throw new GatewayError('rpc.invalid', 'a request needs an id')
  return rawOf(message.bytes, message.id)
}
