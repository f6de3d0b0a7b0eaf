// One leg to a remote server, driven without the connection above it: what it sends and reports is all there is.
import { GatewayError } from '../../gateway/errors'
import { createSafeFetch, type SafeFetch } from '../../gateway/net/safe-fetch'
import { systemResolve, type Resolve } from '../../gateway/net/reach'
import { systemRuntime, type Runtime } from '../../gateway/runtime'
import type { Channel, ChannelEvents, ChannelLimits } from '../../gateway/transport/channel'
import type { Authorization } from '../../gateway/transport/authorization'
import { openStreamableHttp } from '../../gateway/transport/http-channel'
import { openSse } from '../../gateway/transport/sse-channel'
import type { Envelope } from '../../gateway/wire/envelope'
import { rawOf } from '../../gateway/wire/members'

export interface Received {
  callId: number | null
  kind: Envelope['kind']
  text: string
  message: { id?: unknown; method?: string; params?: unknown; result?: unknown; error?: unknown }
}

export interface Leg extends AsyncDisposable {
  channel: Channel
  received: Received[]
  logs: string[]
  /** What `onClose` reported; undefined while the leg lives. */
  closed: GatewayError | null | undefined
  /** Resolves with the answer; rejects with what `send` or `onCallFailed` reported. */
  call(method: string, params?: object): Promise<Received>
  callRaw(message: string, callId: number): Promise<Received>
  notify(method: string, params?: object): Promise<void>
  /** initialize, negotiated, initialized. */
  handshake(): Promise<Received>
  lastCallId(): number
}

export interface LegOptions {
  transport?: 'http' | 'sse'
  headers?: Record<string, string>
  limits?: Partial<ChannelLimits>
  runtime?: Runtime
  environment?: Record<string, string>
  resolve?: Resolve
  safeFetch?: SafeFetch
  ca?: string
  authorization?: Authorization
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const testFetch = (options: LegOptions = {}): SafeFetch =>
  createSafeFetch({
    runtime: options.runtime ?? systemRuntime,
    environment: options.environment ?? {},
    resolve: options.resolve ?? systemResolve,
  })

export async function openLeg(url: string, options: LegOptions = {}): Promise<Leg> {
  const waiting = new Map<number, { resolve(received: Received): void; reject(error: unknown): void }>()
  const received: Received[] = []
  const logs: string[] = []
  let lastId = 0
  const settle = (callId: number) => {
    const call = waiting.get(callId)
    waiting.delete(callId)
    return call
  }

  const events: ChannelEvents = {
    onMessage(envelope, callId) {
      const text = decoder.decode(envelope.bytes)
      const one: Received = {
        callId,
        kind: envelope.kind,
        text,
        message: JSON.parse(text) as Received['message'],
      }
      received.push(one)
      if (envelope.kind !== 'response' || !envelope.id) return
      settle(Number(decoder.decode(rawOf(envelope.bytes, envelope.id))))?.resolve(one)
    },
    onCallFailed: (callId, error) => settle(callId)?.reject(error),
    onClose(error) {
      leg.closed = error
      for (const [id, call] of [...waiting]) {
        waiting.delete(id)
        call.reject(error ?? new GatewayError('upstream.lost', 'the leg was closed'))
      }
    },
    onLog: (_source, line) => void logs.push(line),
  }

  const common = {
    url,
    headers: options.headers ?? {},
    limits: {
      maxMessageBytes: 1024 * 1024,
      maxQueuedBytes: 8 * 1024 * 1024,
      connectTimeout: 10_000,
      ...options.limits,
    },
    events,
    safeFetch: options.safeFetch ?? testFetch(options),
    runtime: options.runtime ?? systemRuntime,
    ca: options.ca,
    authorization: options.authorization ?? null,
  }

  const leg: Leg = {
    channel: null as never,
    received,
    logs,
    closed: undefined,
    lastCallId: () => lastId,
    call(method, params = {}) {
      const id = ++lastId
      return leg.callRaw(JSON.stringify({ jsonrpc: '2.0', id, method, params }), id)
    },
    callRaw(message, callId) {
      lastId = Math.max(lastId, callId)
      return new Promise((resolve, reject) => {
        waiting.set(callId, { resolve, reject })
        Promise.resolve(leg.channel.send(encoder.encode(message), callId)).catch((error) =>
          settle(callId)?.reject(error),
        )
      })
    },
    async notify(method, params = {}) {
      await leg.channel.send(encoder.encode(JSON.stringify({ jsonrpc: '2.0', method, params })), null)
    },
    async handshake() {
      const answer = await leg.call('initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'leg', version: '1' },
      })
      const { protocolVersion } = answer.message.result as { protocolVersion: string }
      leg.channel.negotiated(protocolVersion)
      await leg.notify('notifications/initialized')
      return answer
    },
    async [Symbol.asyncDispose]() {
      await leg.channel.close()
    },
  }
  leg.channel = options.transport === 'sse' ? await openSse(common) : openStreamableHttp(common)
  return leg
}

/** Waits until `condition` holds; says what it waited for when it never does. */
export async function until(what: string, condition: () => boolean, timeout = 60_000): Promise<void> {
  const end = Date.now() + timeout
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`)
    await Bun.sleep(5)
  }
}

/** The error a promise rejects with; fails when it resolves or takes longer than `timeout` ms. */
export async function rejection(promise: Promise<unknown>, timeout = 60_000): Promise<GatewayError> {
  const nothing = Symbol('nothing')
  const outcome = await Promise.race([
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
    Bun.sleep(timeout).then(() => nothing),
  ])
  if (typeof outcome === 'symbol') throw new Error(`no outcome within ${timeout} ms`)
  if ('error' in outcome) return outcome.error as GatewayError
  throw new Error(`resolved with ${JSON.stringify(outcome.value)}`)
}
