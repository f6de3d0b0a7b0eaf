import type { Proof } from '../auth/authenticate'
import type { Exchange } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { FeatureView } from '../policy/feature-view'
import { tagged, wants, type Listener, type ListenFilter, type Listeners } from '../session/listeners'
import type { ChangedList } from '../session/sessions'
import type { Envelope, Span } from '../wire/envelope'
import { elements, member, rawOf } from '../wire/members'
import { notificationMessage, requestMessage, resultMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { encodeUtf8, textOf } from '../wire/text'
import type { Route } from './route'
import type { ModernLeg } from './modern-leg'

/** Resources one stream may listen to. */
const MOST_URIS = 1024
/** Longest wait for servers to take the subscriptions; what comes later is not agreed to. */
const AGREE_MS = 10_000

const listKeys = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const

export interface ListenDeps {
  listeners: Listeners
  route: Route
  /** Lets go of the subscriptions of a stream that ended. */
  release(conversation: string): void
  /** Streams one client may have open. */
  most: () => number
  newLabel(): string
  sleep(ms: number): Promise<void>
}

/**
 * Serves one `subscriptions/listen` (MCP 2026-07-28, subscriptions): first what was agreed to, then the changes, each
 * with the id of the request, until either side ends it. Throws `rpc.params`, and `upstream.busy` over the limit.
 */
export function openListener(
  deps: ListenDeps,
  given: { message: Envelope; view: FeatureView; proof: Proof; leg: ModernLeg },
): Listener {
  const { listeners, route } = deps
  const { message, view, proof, leg } = given
  const { clientId, credentialId } = proof.identity
  const { filter, uris } = readFilter(message)
  const open = [...listeners.values()].filter(({ facts }) => facts.clientId === clientId).length
  if (open >= deps.most()) throw new GatewayError('upstream.busy', `this client has ${open} streams open`)
  const label = deps.newLabel()
  const idToken = message.id ? Buffer.from(rawOf(message.bytes, message.id)).toString() : 'null'
  let agreed: ListenFilter | null = null
  let over = false

  const listener: Listener = {
    facts: { clientId, credentialId, label },
    until: proof.expiresAt,
    told: view,
    tell(change, key) {
      if (agreed && wants(agreed, key)) leg.send(tagged(change, idToken))
    },
    end(graceful) {
      if (over) return
      over = true
      listeners.delete(label)
      if (uris.length > 0) deps.release(label)
      if (graceful) leg.finish(farewell(idToken))
      else leg.fail(new GatewayError('rpc.cancelled'), encodeUtf8(idToken))
    },
  }
  listeners.set(label, listener)

  const subscribe = async (uri: string): Promise<string | null> => {
    const request = scanMessage(requestMessage(1, 'resources/subscribe', { uri }))
    const answer = await route(
      view,
      request,
      exchangeOf(proof, label, () => over),
    )
    return scanMessage(answer).result ? uri : null
  }
  const acknowledge = async (): Promise<void> => {
    const taken = new Set<string>()
    const all = uris.map((uri) => subscribe(uri).then((one) => one !== null && taken.add(one)))
    await Promise.race([Promise.allSettled(all), deps.sleep(AGREE_MS)])
    if (over) return
    agreed = { ...filter, resources: taken.size > 0 }
    const lists = filter.lists.map((list) => [listKeys[list], true] as const)
    const notifications = {
      ...Object.fromEntries(lists),
      ...(taken.size > 0 ? { resourceSubscriptions: uris.filter((uri) => taken.has(uri)) } : {}),
    }
    leg.send(
      tagged(notificationMessage('notifications/subscriptions/acknowledged', { notifications }), idToken),
    )
    if (Object.keys(notifications).length === 0) listener.end(true)
  }
  leg.openStream()
  acknowledge().catch(() => listener.end(false))
  return listener
}

const farewell = (idToken: string): Uint8Array =>
  resultMessage(
    encodeUtf8(idToken),
    encodeUtf8(`{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":${idToken}}}`),
  )

function readFilter({ bytes, params }: Envelope): { filter: ListenFilter; uris: string[] } {
  const wanted = params && member(bytes, params, 'notifications')
  if (!wanted || bytes[wanted.start] !== 0x7b)
    throw new GatewayError('rpc.params', '"notifications" must be an object')
  const isTrue = (span: Span | null) => span !== null && bytes[span.start] === 0x74
  const lists = (Object.keys(listKeys) as ChangedList[]).filter((list) =>
    isTrue(member(bytes, wanted, listKeys[list])),
  )
  const list = member(bytes, wanted, 'resourceSubscriptions')
  const uris = new Set<string>()
  for (const element of list ? elements(bytes, list) : []) {
    const uri = textOf(bytes, element)
    if (uri === null) throw new GatewayError('rpc.params', 'resourceSubscriptions must be strings')
    uris.add(uri)
    if (uris.size > MOST_URIS) throw new GatewayError('rpc.params', `at most ${MOST_URIS} resources`)
  }
  return { filter: { lists, resources: false }, uris: [...uris] }
}

/** For the subscriptions of the stream, which servers know by its label. */
const exchangeOf = ({ identity }: Proof, label: string, over: () => boolean): Exchange => {
  const { signal } = new AbortController()
  return {
    identity,
    era: 'legacy',
    conversation: label,
    clientCapabilities: '{}',
    logLevel: null,
    progressToken: null,
    notify: () => undefined,
    ask: () => Promise.reject(new GatewayError('rpc.method_unknown')),
    signal,
    onCancel: () => undefined,
    get cancelled() {
      return over()
    },
  }
}
