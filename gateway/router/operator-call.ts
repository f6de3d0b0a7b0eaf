import type { Exchange } from '../domain/exchange'
import { GatewayError } from '../errors'
import type { FeatureView, ViewEntry } from '../policy/feature-view'
import { requestMessage } from '../wire/messages'
import { scanMessage } from '../wire/scan'
import { encodeUtf8 } from '../wire/text'
import type { Router } from './router'

export interface OperatorCalls {
  /** Resolves with the server's complete JSON-RPC response. */
  call(
    spaceId: string,
    serverId: string,
    tool: string,
    argumentsJson: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array>
  inFlight(): number
  /** Cancels what is in flight and whatever comes. */
  close(): void
}

/**
 * Tool calls by the person at the command line or the window: through the same router as a client's, with the
 * operator's view.
 */
export function createOperatorCalls(deps: {
  router: Router
  view(spaceId: string): FeatureView
  /** Connects a server that offers nothing because its lists were never read; rejects with what is in the way. */
  readOnce(serverId: string, signal: AbortSignal): Promise<void>
}): OperatorCalls {
  const over = new AbortController()
  let inFlight = 0
  const call = async (
    spaceId: string,
    serverId: string,
    tool: string,
    argumentsJson: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> => {
    let view = deps.view(spaceId)
    let entry = find(view, serverId, tool)
    if (!entry) {
      await deps.readOnce(serverId, signal)
      view = deps.view(spaceId)
      entry = find(view, serverId, tool)
    }
    if (!entry)
      throw new GatewayError(
        'feature.unknown',
        `it has no tool ${JSON.stringify(tool)}; "mcpmux tools" lists what there is`,
      )
    const params = new Uint8Array([
      ...encodeUtf8(`{"name":${JSON.stringify(entry.exposedName)},"arguments":`),
      ...argumentsJson,
      ...encodeUtf8('}'),
    ])
    return deps.router.route(
      view,
      scanMessage(requestMessage(1, 'tools/call', params)),
      operatorExchange(AbortSignal.any([signal, over.signal])),
    )
  }
  return {
    async call(...args) {
      inFlight++
      try {
        return await call(...args)
      } finally {
        inFlight--
      }
    },
    inFlight: () => inFlight,
    close: () => over.abort(),
  }
}

const find = (view: FeatureView, serverId: string, tool: string): ViewEntry | undefined =>
  view.list('tool').find(({ feature }) => feature.serverId === serverId && feature.name === tool)

/** A caller that wants the answer and nothing before it. */
const operatorExchange = (signal: AbortSignal): Exchange => ({
  identity: { clientId: '', credentialId: '' },
  era: 'legacy',
  conversation: null,
  clientCapabilities: '{}',
  logLevel: null,
  progressToken: null,
  notify: () => undefined,
  ask: () => Promise.reject(new GatewayError('rpc.method_unknown')),
  signal,
  get cancelled() {
    return signal.aborted
  },
  onCancel(listener) {
    if (listener) signal.addEventListener('abort', listener, { once: true })
  },
})
