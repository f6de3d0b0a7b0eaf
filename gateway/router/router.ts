import type { Exchange } from '../domain/exchange'
import type { FeatureKind } from '../domain/feature'
import { GatewayError } from '../errors'
import { type Abilities, abilitiesOf } from '../policy/abilities'
import type { FeatureView } from '../policy/feature-view'
import { type Edit, type Envelope, type Span, WireError } from '../wire/envelope'
import { member, rawOf } from '../wire/members'
import { resultMessage } from '../wire/messages'
import { splice } from '../wire/splice'
import { encodeUtf8, textOf } from '../wire/text'
import type { Lists } from './lists'
import { asksForInput, modernEdits, modernPage } from './modern-results'
import { optionalText, progressTokenOf, quote, replaceText, textMember } from './params'
import type { UpstreamRequest, Upstreams } from './ports'
import { requestDigest, type RequestStates, type StateBinding } from './request-state'
import { resultUriEdits } from './result-uris'
import { type Target, targetOf, wantedBy } from './target'
import { holderIn, relatedUp, taskEdits, taskMethods, type TaskSide, withTaskIds } from './task-edits'
import type { TaskHolder, TaskIds } from './task-ids'
import { listTasks } from './task-list'

export interface Router {
  /**
   * Answers one request of a client within what its view shows. Resolves with the complete response message under the
   * client's own id token; a server's own error is such a response. Rejects with a GatewayError for what is ours:
   * `rpc.params`, `rpc.method_unknown`, `feature.unknown`, `resource.unknown`, `cursor.invalid` and what `Upstreams`
   * rejects with.
   */
  route(view: FeatureView, message: Envelope, exchange: Exchange): Promise<Uint8Array>
  /**
   * What a `requestState` of this request is bound to. Throws like `route` for what the view does not show, so that a
   * second round is refused when the right to the first is gone.
   */
  bindingOf(view: FeatureView, message: Envelope, clientId: string): StateBinding
}

export interface RouterOptions {
  upstreams: Upstreams
  lists: Lists
  states: RequestStates
  tasks: TaskIds
  /** Told of every request for something its view does not show: it is denied, or there is no such thing. */
  refused?: (what: { clientId: string; spaceId: string; method: string; wanted: string }) => void
  /** Hears of each call of a tool that goes to a server. */
  used?: (serverId: string, tool: string) => void
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
export function createRouter({ upstreams, lists, states, tasks, refused, used }: RouterOptions): Router {
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

  const binding = (
    view: FeatureView,
    message: Envelope,
    clientId: string,
    serverId: string,
  ): StateBinding => ({
    clientId,
    spaceId: view.spaceId,
    serverId,
    request: requestDigest(message),
  })

  /** The server's own state back in its place. Only clients of the modern era have any. */
  async function withOwnState(
    view: FeatureView,
    message: Envelope,
    exchange: Exchange,
    target: Target,
    span: Span,
  ): Promise<Target> {
    const token = textOf(message.bytes, span)
    const bound = binding(view, message, exchange.identity.clientId, target.serverId)
    const state = await states.open(token ?? '', bound)
    if (state.kind !== 'server') throw new GatewayError('rpc.state_invalid')
    const edits = [...target.edits, { ...span, with: quote(state.state) }]
    return { ...target, edits: inOrder(edits) }
  }

  /** The edit that seals the state a server gives its client to carry. */
  async function sealed(
    view: FeatureView,
    message: Envelope,
    exchange: Exchange,
    target: Target,
    { bytes, result }: Envelope,
  ): Promise<Edit[]> {
    const span = result && member(bytes, result, 'requestState')
    const state = span && textOf(bytes, span)
    if (!span || state === null) return []
    const bound = binding(view, message, exchange.identity.clientId, target.serverId)
    return [{ ...span, with: quote(await states.seal({ kind: 'server', state }, bound)) }]
  }

  function visible(view: FeatureView, message: Envelope, clientId: string): Target {
    try {
      return targetOf(view, message)
    } catch (error) {
      if (error instanceof GatewayError && /^(feature|resource)\.unknown$/.test(error.code))
        refused?.({
          clientId,
          spaceId: view.spaceId,
          method: message.method ?? '',
          wanted: wantedBy(message),
        })
      throw error
    }
  }

  function find(view: FeatureView, message: Envelope, holder: TaskHolder): Target {
    if (!taskMethods.has(message.method)) return visible(view, message, holder.clientId)
    const id = textMember(message, message.params, 'taskId')
    const { serverId, taskId } = tasks.open(view, id.text, holder)
    return { serverId, uri: null, edits: replaceText(id, taskId) }
  }

  /** A view is immutable, so that each is read once. */
  const abilities = new WeakMap<FeatureView, Abilities>()

  /** Null for a server that has no tasks: nothing is looked for in what it says. */
  function sideOf(view: FeatureView, serverId: string, holder: TaskHolder): TaskSide | null {
    let able = abilities.get(view)
    if (!able) abilities.set(view, (able = abilitiesOf(view)))
    return able.withTasks.has(serverId) ? { tasks, view, serverId, holder } : null
  }

  return {
    bindingOf(view, message, clientId) {
      const { serverId } = find(view, message, { clientId, conversation: null })
      return binding(view, message, clientId, serverId)
    },
    async route(view, message, exchange) {
      const kind = listKinds.get(message.method)
      try {
        if (kind) {
          const cursor = optionalText(message, message.params, 'cursor')
          const page = lists.page(view, kind, cursor)
          return resultMessage(idOf(message), exchange.era === 'modern' ? modernPage(page) : page)
        }
        if (message.method === 'tasks/list') {
          const cursor = optionalText(message, message.params, 'cursor')
          const page = await listTasks({ upstreams, tasks }, view, cursor, exchange)
          return resultMessage(idOf(message), page)
        }
        const holder = holderIn(exchange)
        const found = find(view, message, holder)
        if (found.tool !== undefined) used?.(found.serverId, found.tool)
        const side = sideOf(view, found.serverId, holder)
        if (side) found.edits = inOrder([...found.edits, ...relatedUp(side, message.bytes, message.params)])
        const state = exchange.era === 'modern' ? stateOf(message) : null
        const target = state ? await withOwnState(view, message, exchange, found, state) : found
        const answer = await ask(target, message, side ? withTaskIds(exchange, side) : exchange)
        if (answer === null) return resultMessage(idOf(message), emptyResult)
        const edits = exchange.era === 'modern' ? modernEdits(message.method, answer) : []
        if (message.method === 'completion/complete' && refusesMethod(answer))
          return resultMessage(
            idOf(message),
            edits.length > 0 ? modernPage(nothingToComplete) : nothingToComplete,
          )
        if (exchange.era === 'modern' && asksForInput(answer))
          edits.push(...(await sealed(view, message, exchange, target, answer)))
        if (side) edits.push(...taskEdits(side, message.method, answer))
        return answered(view, target.serverId, message, answer, edits)
      } catch (error) {
        if (error instanceof WireError) throw new GatewayError('rpc.params', error.message, { cause: error })
        throw error
      }
    },
  }
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
function answered(
  view: FeatureView,
  serverId: string,
  message: Envelope,
  answer: Envelope,
  more: readonly Edit[],
): Uint8Array {
  if (!answer.id) throw new GatewayError('upstream.garbage', 'an answer without an id')
  const id: Edit = { start: answer.id.start, end: answer.id.end, with: idOf(message) }
  const uris = view.rewritesUris(serverId)
  if (!uris && more.length === 0) return splice(answer.bytes, [id])
  // The extension of 2026-07-28 has what a task came to inside the answer to `tasks/get`.
  const inner = message.method === 'tasks/get' && answer.result
  const done = inner ? member(answer.bytes, inner, 'result') : null
  const shown = [answer, ...(done ? [{ ...answer, result: done }] : [])]
  const located = uris ? shown.flatMap((one) => resultUriEdits(view, serverId, one)) : []
  return splice(answer.bytes, inOrder([...located, ...more, id]))
}

/** Where a second round carries its state. */
const stateOf = ({ bytes, params }: Envelope): Span | null => params && member(bytes, params, 'requestState')

const inOrder = (edits: Edit[]): Edit[] => edits.sort((a, b) => a.start - b.start)

function idOf(message: Envelope): Uint8Array {
  if (!message.id) throw new GatewayError('rpc.invalid', 'a request needs an id')
  return rawOf(message.bytes, message.id)
}
