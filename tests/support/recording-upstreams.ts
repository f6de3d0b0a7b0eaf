import type { Exchange } from '../../gateway/domain/exchange'
import { createRequestStates } from '../../gateway/router/request-state'
import { createTaskIds } from '../../gateway/router/task-ids'
import { systemRuntime } from '../../gateway/runtime'
import type { UpstreamRequest, Upstreams } from '../../gateway/router/ports'
import type { Envelope } from '../../gateway/wire/envelope'
import { scanMessage } from '../../gateway/wire/scan'
import { splice } from '../../gateway/wire/splice'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const scan = (text: string): Envelope => scanMessage(encoder.encode(text))

export interface Sent {
  how: 'request' | 'subscribe' | 'unsubscribe'
  serverId: string
  /** The message as the server would read it, ids and progress tokens still the client's. */
  message: string
  uri?: string
  /** The client's progress token as it was found. */
  progressToken: string | null
}

/** Records what would go up, edits applied, and answers every request with the text set for it. */
export function recordingUpstreams() {
  const sent: Sent[] = []
  const state = { answer: '{"jsonrpc":"2.0","id":1,"result":{}}' as string | null }
  const record = (how: Sent['how'], serverId: string, request: UpstreamRequest, uri?: string) => {
    const { message, edits, progressToken: at } = request
    sent.push({
      how,
      serverId,
      message: decoder.decode(splice(message.bytes, edits)),
      progressToken: at && decoder.decode(message.bytes.subarray(at.start, at.end)),
      ...(uri === undefined ? {} : { uri }),
    })
  }
  const answer = () => scan(state.answer ?? '')
  const upstreams: Upstreams = {
    async request(serverId, request) {
      record('request', serverId, request)
      return answer()
    },
    async subscribe(serverId, uri, request) {
      record('subscribe', serverId, request, uri)
      return answer()
    },
    async unsubscribe(serverId, uri, request) {
      record('unsubscribe', serverId, request, uri)
      return state.answer === null ? null : answer()
    },
    release: () => {},
    resume: () => {},
    setLogLevel: () => {},
  }
  return { sent, state, upstreams }
}

/** Seals with a key everybody knows. */
export const states = createRequestStates({
  keys: () => [new Uint8Array(32)],
  lifetime: () => 60_000,
  runtime: systemRuntime,
})

export const tasks = createTaskIds({ keys: () => [new Uint8Array(32)], isolated: () => false })

export const exchange = (progressToken: string | null = null): Exchange => ({
  identity: { clientId: 'all', credentialId: 'k' },
  era: 'legacy',
  conversation: 'c',
  clientCapabilities: '{}',
  logLevel: null,
  progressToken: progressToken === null ? null : encoder.encode(progressToken),
  notify: () => {},
  ask: () => Promise.reject(new Error('nobody to ask')),
  signal: new AbortController().signal,
  cancelled: false,
  onCancel: () => undefined,
})
