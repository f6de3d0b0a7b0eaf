import { logLevels, type Exchange, type LogLevel } from '../domain/exchange'
import type { ReadSetting } from '../domain/settings'
import type { Envelope } from '../wire/envelope'
import { member } from '../wire/members'
import { splice } from '../wire/splice'
import { textOf } from '../wire/text'
import type { ChannelEvents } from '../transport/channel'
import type { Runtime } from '../runtime'
import { createBackChannel, type BackChannelDeps } from './back-channel'
import { createCompletions } from './completions'
import { createLastAnswered } from './last-answered'
import type { PendingCall, PendingCalls, ProgressStep } from './pending-calls'
import { createProgressGate, type ProgressGate } from './progress-gate'

/** What a server says outside any one call. */
export interface InboundEvents {
  listChanged(kinds: readonly ('tools' | 'prompts' | 'resources')[]): void
  resourceUpdated(uri: string, message: Envelope): void
  /** A task is told to whoever has it, not to the call that is open just now. */
  taskChanged(message: Envelope): void
  /** What a conversation waits for comes outside a call. */
  toConversation(conversation: string, message: Envelope): void
  /** A log message or other notification outside a call; `mayBeFor` tells whether a conversation may have it. */
  unsolicited(message: Envelope, level: LogLevel | null, mayBeFor: (conversation: string) => boolean): void
}

export interface InboundOptions {
  pending: PendingCalls
  events: InboundEvents
  log: ChannelEvents['onLog']
  runtime: Pick<Runtime, 'monotonic' | 'sleep'>
  settings: ReadSetting
  settled: BackChannelDeps['settled']
  onPlace: BackChannelDeps['onPlace']
  send(message: Uint8Array): void
}

/** Wrong answers of one connection that are written down; a hostile server must not fill its log with them. */
const STRAY_LOG_LIMIT = 50

export interface Inbound {
  receive(message: Envelope, callId: number | null): void
  close(): void
}

/** Sorts what arrives from a server: answers to their calls, notifications to the call or the Space they belong to. */
export function createInbound(options: InboundOptions): Inbound {
  const { pending, events, log } = options
  const { givenUp } = pending
  const completions = createCompletions()
  const lastAnswered = createLastAnswered()
  let strays = 0
  const stray = (what: string) => {
    if (strays++ < STRAY_LOG_LIMIT) log('MCP', what)
  }

  const backChannel = createBackChannel({ ...options, stray, expectCompletion: completions.expect })

  function answer(message: Envelope, callId: number | null): void {
    const id = message.id ? numberAt(message, message.id.start, message.id.end) : null
    const call = id === null ? null : pending.take(id)
    if (call) {
      call.progress?.flush()
      if (callId !== null && call.exchange) lastAnswered.add(call.id, call.exchange.conversation)
      if (message.error && call.exchange) completions.read(message, call.exchange)
      call.resolve(message)
    } else if (id === null || !givenUp.answered(id, message.error !== null))
      stray('an answer nobody waits for (unknown or repeated id)')
  }

  function progress(message: Envelope): void {
    const span = message.params && member(message.bytes, message.params, 'progressToken')
    const id = span ? numberAt(message, span.start, span.end) : null
    const call = id === null ? null : pending.get(id)
    const now = options.runtime.monotonic()
    if (!span || !call) {
      if (id === null || !givenUp.goesOn(id, now)) stray('progress for a call that is not open')
      return
    }
    call.activeAt = now
    call.progress ??= gateOf(call)
    call.progress?.offer({ message, span })
  }

  /** Null for a call whose client asked for no progress. */
  function gateOf({ exchange }: PendingCall): ProgressGate<ProgressStep> | null {
    if (!exchange?.progressToken) return null
    return createProgressGate(options.runtime, ({ message, span }) => {
      // Each round of a call may have a token of its own.
      const token = exchange.progressToken
      if (token) exchange.notify(splice(message.bytes, [{ ...span, with: token }]))
    })
  }

  /**
   * The call a message belongs to: the one on whose stream it came, else the only conversation with calls the server
   * works on.
   */
  function owner(callId: number | null): Exchange | null {
    if (callId !== null) return pending.get(callId)?.exchange ?? null
    let found: Exchange | null = null
    for (const { exchange } of pending.values()) {
      if (!exchange) continue
      if (found && found.conversation !== exchange.conversation) return null
      found = exchange
    }
    return found && !givenUp.mayBeOfOthers(found.conversation) ? found : null
  }

  function logged(message: Envelope, callId: number | null): void {
    const span = message.params && member(message.bytes, message.params, 'level')
    const level = logLevels.find((name) => name === (span ? textOf(message.bytes, span) : null)) ?? 'info'
    const exchange = owner(callId)
    if (!exchange) return outsideCalls(message, level, callId)
    if (exchange.logLevel && logLevels.indexOf(level) >= logLevels.indexOf(exchange.logLevel)) {
      exchange.notify(message.bytes)
    }
  }

  function outsideCalls(message: Envelope, level: LogLevel | null, callId: number | null): void {
    // While calls of clients are open, a message that fits none of them alone belongs to nobody for sure.
    for (const { exchange } of pending.values()) if (exchange) return
    // On the stream of a call it is for nobody else, also when that was answered.
    const mayBeFor = (conversation: string): boolean =>
      callId === null || pending.get(callId)
        ? !givenUp.mayBeOfOthers(conversation)
        : lastAnswered.conversationOf(callId) === conversation
    events.unsolicited(message, level, mayBeFor)
  }

  function updated(message: Envelope): void {
    const span = message.params && member(message.bytes, message.params, 'uri')
    const uri = span ? textOf(message.bytes, span) : null
    if (uri !== null) events.resourceUpdated(uri, message)
  }

  function notification(message: Envelope, callId: number | null): void {
    switch (message.method) {
      case 'notifications/progress':
        return progress(message)
      case 'notifications/message':
        return logged(message, callId)
      case 'notifications/resources/updated':
        return updated(message)
      case 'notifications/tools/list_changed':
        return events.listChanged(['tools'])
      case 'notifications/prompts/list_changed':
        return events.listChanged(['prompts'])
      case 'notifications/resources/list_changed':
        return events.listChanged(['resources'])
      case 'notifications/tasks':
      case 'notifications/tasks/status':
        return events.taskChanged(message)
      case 'notifications/cancelled':
        return backChannel.takeBack(message)
      case 'notifications/elicitation/complete': {
        const conversation = completions.take(message)
        // A completion of what was not asked through us is like any other notification.
        return conversation === null ? other(message, callId) : events.toConversation(conversation, message)
      }
      default:
        return other(message, callId)
    }
  }

  function other(message: Envelope, callId: number | null): void {
    const exchange = owner(callId)
    if (exchange) exchange.notify(message.bytes)
    else outsideCalls(message, null, callId)
  }

  return {
    receive(message: Envelope, callId: number | null): void {
      try {
        if (message.kind === 'response') answer(message, callId)
        else if (message.kind === 'request') backChannel.receive(message, callId)
        else notification(message, callId)
      } catch {
        // A repeated key inside a notification's params, for one: whose it is cannot be told.
        stray(`a ${message.kind} that cannot be read`)
      }
    },
    close: backChannel.close,
  }
}

/** The id tokens we hand out are plain integers; anything else was not ours. */
function numberAt({ bytes }: Envelope, start: number, end: number): number | null {
  if (end - start > 15) return null
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return null
    value = value * 10 + digit
  }
  return value
}
