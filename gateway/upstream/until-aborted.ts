import { GatewayError } from '../errors'

/** The promise, or a rejection with `reason` as soon as the signal aborts; the work itself goes on. */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  reason: () => GatewayError = () => new GatewayError('rpc.cancelled'),
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(reason())
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    if (signal.aborted) onAbort()
  })
}
