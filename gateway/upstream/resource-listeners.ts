import type { Exchange } from '../domain/exchange'
import type { UpstreamRequest } from '../router/ports'
import type { Envelope } from '../wire/envelope'
import { notificationMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import type { Connection } from './connection'
import { createSubscriptions } from './subscriptions'

/** The conversations that listen to resources of one server, over its connections as they come and go. */
export interface ResourceListeners {
  /** Resources somebody listens to. */
  readonly size: number
  subscribe(uri: string, request: UpstreamRequest, exchange: Exchange): Promise<Envelope>
  /** The server hears of it only when it runs and nobody else listens; its answer then, else null. */
  unsubscribe(uri: string, request: UpstreamRequest, exchange: Exchange): Promise<Envelope | null>
  /** A conversation is back that listened to these; it is told to read them again. */
  resume(conversation: string, uris: readonly string[]): void
  release(conversation: string): void
  /** Subscribes again to everything on a new connection. */
  renew(connection: Connection): void
  /** The server says that a resource changed. */
  heard(uri: string, message: Envelope): void
}

export function createResourceListeners(deps: {
  request(request: UpstreamRequest, exchange: Exchange): Promise<Envelope>
  connection(): Connection | null
  /** Milliseconds for a request of the gateway's own. */
  timeout(): number
  tell(uri: string, conversations: readonly string[], message: Envelope): void
  log(line: string): void
}): ResourceListeners {
  const { request: send, connection, timeout, tell, log } = deps
  const subscriptions = createSubscriptions()

  function updated(uri: string, conversations: readonly string[]): void {
    tell(uri, conversations, scanMessage(notificationMessage('notifications/resources/updated', { uri })))
  }

  /** What changed while nobody was subscribed is not known, so its listeners read it again. */
  function renew(to: Connection, uris: readonly string[]): void {
    for (const uri of uris) {
      to.ask('resources/subscribe', { uri }, timeout()).then(
        () => updated(uri, subscriptions.listeners(uri)),
        () => log('a subscription could not be renewed'),
      )
    }
  }

  return {
    get size() {
      return subscriptions.size
    },
    async subscribe(uri, request, exchange) {
      const { conversation } = exchange
      if (conversation === null) return send(request, exchange)
      // First the mark: an update may come right behind the answer, and who leaves meanwhile must not take it along.
      subscriptions.begin(uri, conversation)
      let taken = false
      try {
        const answer = await send(request, exchange)
        taken = answer.result !== null
        return answer
      } finally {
        subscriptions.settle(uri, conversation, taken)
      }
    },
    async unsubscribe(uri, request, exchange) {
      const last = exchange.conversation !== null && subscriptions.remove(uri, exchange.conversation)
      if (subscriptions.listeners(uri).length > 0) return null
      return last && !connection() ? null : send(request, exchange)
    },
    resume(conversation, uris) {
      const fresh = uris.filter((uri) => subscriptions.listeners(uri).length === 0)
      for (const uri of uris) subscriptions.put(uri, conversation)
      const current = connection()
      if (!current) return
      renew(current, fresh)
      for (const uri of uris) if (!fresh.includes(uri)) updated(uri, [conversation])
    },
    release(conversation) {
      for (const uri of subscriptions.release(conversation)) {
        connection()
          ?.ask('resources/unsubscribe', { uri }, timeout())
          .catch(() => log('an unsubscribe was not answered'))
      }
    },
    renew: (to) => renew(to, subscriptions.uris()),
    heard: (uri, message) => tell(uri, subscriptions.concerned(uri), message),
  }
}
