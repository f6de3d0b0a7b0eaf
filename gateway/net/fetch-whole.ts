import { GatewayError } from '../errors'
import type { Runtime } from '../runtime'
import { readBody } from './body'
import type { SafeFetch, SafeRequest } from './safe-fetch'
import { unlessAborted } from './unless-aborted'

/** What may be asked, and how much of an answer is taken: `maxBytes` decoded, within `totalMs` from the first step. */
export interface WholeRequest extends Omit<SafeRequest, 'connectTimeout' | 'idleTimeout'> {
  maxBytes: number
  totalMs: number
}

export interface WholeAnswer {
  status: number
  headers: Headers
  /** Decoded, whatever its `content-encoding` was. */
  body: Uint8Array
}

/**
 * Fetches something small as a whole: a document, an answer of a token endpoint. Name, connection, redirects, head and
 * body share one time limit, so that nobody can hold us with a byte now and then. Rejects as `SafeFetch` does, and with
 * `net.failed` when time is up or the body breaks off, `net.too_large` when it is more.
 */
export type FetchWhole = (url: URL, request: WholeRequest) => Promise<WholeAnswer>

export function createFetchWhole(deps: {
  safeFetch: SafeFetch
  runtime: Pick<Runtime, 'sleep'>
}): FetchWhole {
  const { safeFetch, runtime } = deps
  return async (url, { maxBytes, totalMs, ...request }) => {
    const done = new AbortController()
    const late = new AbortController()
    runtime.sleep(totalMs, done.signal).then(
      () => late.abort(new GatewayError('net.failed', 'its answer took too long')),
      () => undefined,
    )
    const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal
    const fetched = async () => {
      const times = { connectTimeout: totalMs, idleTimeout: totalMs }
      const response = await safeFetch(url, { ...request, ...times, signal })
      const body = await readBody(response, maxBytes)
      return { status: response.status, headers: response.headers, body }
    }
    try {
      return await unlessAborted(fetched(), signal)
    } catch (error) {
      if (signal.aborted || error instanceof GatewayError) throw error
      throw new GatewayError('net.failed', 'the connection broke', { cause: error })
    } finally {
      done.abort()
    }
  }
}
