// The one request a connection of the newer era holds open to hear of changes (MCP 2026-07-28, subscriptions/listen).
import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import type { ChannelEvents } from '../transport/channel'
import type { Envelope } from '../wire/envelope'
import { elements, member, rawOf } from '../wire/members'
import { notificationMessage, requestMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { splice } from '../wire/splice'
import { decodeUtf8, textOf } from '../wire/text'
import type { InboundEvents } from './inbound'
import type { Leg } from './leg'
import { ownMeta, subscriptionOf } from './modern-envelope'
import { ownHeadersOf } from './modern-headers'
import { readAnswer, RefusedError } from './answers'

const METHOD = 'subscriptions/listen'
const FIRST_WAIT = 1000
const LONGEST_WAIT = 60_000
/** A stream that lived this long was a good one. */
const GOOD_STREAM = 30_000

export type ListKind = 'tools' | 'prompts' | 'resources'

export interface HeldListen {
  /** Resolves once the server agreed to tell of this resource. Rejects when it does not, or cannot be asked. */
  subscribe(uri: string): Promise<void>
  unsubscribe(uri: string): void
  /** Takes what belongs to the request itself; gives back everything else, without the tag of the subscription. */
  sift(message: Envelope, callId: number | null): Envelope | null
  close(): void
}

interface Wanted {
  agreed: boolean
  waiting: PromiseWithResolvers<void>
}

interface Stream {
  id: number
  uris: readonly string[]
  startedAt: number
  agreed: boolean
}

/**
 * Opens the request if there is something to hear, with another set again whenever the set changes (the old one ends when
 * the new one is agreed to, so that nothing falls between them), and after a pause when the server ended it.
 */
export function holdListen(deps: {
  leg: Leg
  /** Lists whose changes the server announces. */
  lists: readonly ListKind[]
  events: Pick<InboundEvents, 'listChanged' | 'resourceUpdated'>
  runtime: Pick<Runtime, 'monotonic' | 'sleep' | 'random'>
  log: ChannelEvents['onLog']
  redact(text: string): string
}): HeldListen {
  const { leg, lists, events, runtime, log } = deps
  const wanted = new Map<string, Wanted>()
  const over = new AbortController()
  let current: Stream | null = null
  /** Streams that end once the current one is agreed to. */
  let outgoing: Stream[] = []
  let due = false
  let failures = 0
  /** Something may have changed while nobody was told. */
  let missed = false

  /** Opens it anew, once for all changes of one turn. */
  function renew(): void {
    if (due) return
    due = true
    queueMicrotask(() => {
      due = false
      if (!over.signal.aborted && !leg.ended) open()
    })
  }

  function open(): void {
    if (current) outgoing.push(current)
    current = null
    if (lists.length === 0 && wanted.size === 0) return endOutgoing()
    const uris = [...wanted.keys()]
    const id = leg.nextId()
    const stream: Stream = { id, uris, startedAt: runtime.monotonic(), agreed: false }
    current = stream
    const notifications = {
      ...Object.fromEntries(lists.map((kind) => [`${kind}ListChanged`, true])),
      ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
    }
    const forever = Number.POSITIVE_INFINITY
    const call = { id, method: METHOD, exchange: null, idleTimeout: forever, totalTimeout: forever }
    const message = requestMessage(id, METHOD, { _meta: ownMeta, notifications })
    leg
      .start(call, message, leg.streamsPerCall ? ownHeadersOf(METHOD) : undefined)
      .then((answer) => readAnswer(answer, METHOD, deps.redact))
      .then(
        () => ended(stream, null),
        (error: unknown) => ended(stream, error),
      )
  }

  function endOutgoing(): void {
    const old = outgoing
    outgoing = []
    for (const { id } of old) leg.cancel(id)
  }

  function ended(stream: Stream, error: unknown): void {
    outgoing = outgoing.filter((one) => one !== stream)
    if (stream !== current) return
    current = null
    if (over.signal.aborted || leg.ended) return refuseWaiting(new GatewayError('upstream.lost'))
    if (!stream.agreed)
      refuseWaiting(error instanceof GatewayError ? error : new GatewayError('upstream.lost'), stream.uris)
    if (error instanceof RefusedError) {
      log('MCP', `it does not tell of changes: ${error.message}`)
      // What it agreed to before stays.
      current = outgoing.pop() ?? null
      return endOutgoing()
    }
    missed = true
    failures = runtime.monotonic() - stream.startedAt >= GOOD_STREAM ? 0 : failures + 1
    const pause = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures) * (0.5 + runtime.random() / 2)
    runtime.sleep(pause, over.signal).then(
      () => current ?? renew(),
      () => undefined,
    )
  }

  function refuseWaiting(error: GatewayError, uris: readonly string[] = [...wanted.keys()]): void {
    for (const uri of uris) {
      const one = wanted.get(uri)
      if (!one || one.agreed) continue
      wanted.delete(uri)
      one.waiting.reject(error)
    }
  }

  function agreedTo(stream: Stream, { bytes, params }: Envelope): void {
    stream.agreed = true
    const filter = params && member(bytes, params, 'notifications')
    const array = filter && member(bytes, filter, 'resourceSubscriptions')
    const heard = new Set(array ? elements(bytes, array).map((one) => textOf(bytes, one)) : [])
    for (const uri of stream.uris) {
      const one = wanted.get(uri)
      if (!one || !heard.has(uri)) continue
      one.agreed = true
      one.waiting.resolve()
    }
    const rest = stream.uris.filter((uri) => !heard.has(uri))
    if (rest.length > 0)
      refuseWaiting(new GatewayError('rpc.params', 'the server does not tell of changes of this'), rest)
    endOutgoing()
    if (missed) readAgain(stream.uris)
    missed = false
  }

  function readAgain(uris: readonly string[]): void {
    if (lists.length > 0) events.listChanged(lists)
    for (const uri of uris)
      events.resourceUpdated(
        uri,
        scanMessage(notificationMessage('notifications/resources/updated', { uri })),
      )
  }

  /** The server ends it with a message that names it (MCP 2026-07-28, cancellation). */
  function endedByServer({ bytes, params }: Envelope): void {
    const span = params && member(bytes, params, 'requestId')
    const id = span ? Number(decodeUtf8(rawOf(bytes, span))) : Number.NaN
    leg.fail(id, new GatewayError('upstream.lost', 'it ended the stream of notifications'))
  }

  function tagged(message: Envelope, callId: number | null): Envelope | null {
    const found = subscriptionOf(message)
    const id = found ? Number(decodeUtf8(rawOf(message.bytes, found.tag))) : callId
    const stream = [current, ...outgoing].find((one) => one?.id === id) ?? null
    if (message.method === 'notifications/subscriptions/acknowledged') {
      if (stream && stream === current && !stream.agreed) agreedTo(stream, message)
      return null
    }
    if (!found) return message
    return stream && scanMessage(splice(message.bytes, found.edits))
  }

  if (lists.length > 0) renew()

  return {
    subscribe(uri) {
      const known = wanted.get(uri)
      if (known) return known.waiting.promise
      const one: Wanted = { agreed: false, waiting: Promise.withResolvers() }
      one.waiting.promise.catch(() => undefined)
      wanted.set(uri, one)
      renew()
      return one.waiting.promise
    },
    unsubscribe(uri) {
      const one = wanted.get(uri)
      if (!one) return
      wanted.delete(uri)
      one.waiting.reject(new GatewayError('rpc.cancelled'))
      renew()
    },
    sift(message, callId) {
      if (message.kind !== 'notification') return message
      if (message.method === 'notifications/cancelled') {
        endedByServer(message)
        return null
      }
      return tagged(message, callId)
    },
    close() {
      over.abort()
      refuseWaiting(new GatewayError('upstream.lost', 'the connection was closed'))
    },
  }
}
