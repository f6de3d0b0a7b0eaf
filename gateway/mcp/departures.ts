import { LiveList } from '../collections/live-list'
import type { Runtime } from '../runtime'

/** To watch a request costs as much as a tenth of a short call, so that only those are watched that last. */
const MOMENT_MS = 25

/** Notices clients that close their request before its answer (MCP 2026-07-28, Streamable HTTP: cancellation). */
export interface Departures {
  /** `onGone` is called once, if the client leaves. What it returns ends the watch. */
  watch(request: Request, onGone: () => void): () => void
  close(): void
}

interface Watched {
  request: Request
  onGone: () => void
}

export function createDepartures(runtime: Pick<Runtime, 'sleep'>): Departures {
  const stop = new AbortController()
  let fresh = new LiveList<Watched>()
  let waiting = new LiveList<Watched>()
  let armed = false

  const turn = (): void => {
    armed = false
    const due = waiting
    waiting = fresh
    fresh = new LiveList()
    for (const { request, onGone } of due.drain()) {
      if (request.signal.aborted) onGone()
      else request.signal.addEventListener('abort', onGone, { once: true })
    }
    if (waiting.size > 0) arm()
  }

  const arm = (): void => {
    armed = true
    runtime.sleep(MOMENT_MS, stop.signal).then(turn, () => undefined)
  }

  return {
    watch(request, onGone) {
      const list = fresh
      const place = list.add({ request, onGone })
      if (!armed) arm()
      return () => list.remove(place)
    },
    close() {
      stop.abort()
    },
  }
}
