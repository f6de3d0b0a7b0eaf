import { LiveList } from '../collections/live-list'
import type { ReadSetting } from '../domain/settings'
import { GatewayError } from '../errors'
import type { Pulse } from '../session/pulse'
import type { ClientLoad, Session } from '../session/session'
import type { Envelope } from '../wire/envelope'
import { Call } from './call'
import type { CallHost } from './call-host'
import type { Outlets } from './outlet'

/** A client gives up on silent headers, so an answer that takes this many beats becomes a stream. */
const SILENT_BEATS = 6

/** The calls in flight at the door. */
export interface Calls {
  readonly host: CallHost
  /** Throws `upstream.busy` when this client has too many calls in flight, `http.too_busy` when all together have. */
  admit(load: ClientLoad): void
  /** Begins a call of a session. `keepOpen` lifts the connection's idle time-out. Throws as `admit`. */
  start(session: Session, message: Envelope, keepOpen: () => void): Call
  /**
   * Counts a request of this client whose body takes room, until what it returns is called. What a client may
   * have in flight it may also have on its way. Throws `http.too_busy`.
   */
  arrive(clientId: string): () => void
  /** Calls; without what still arrives. */
  inFlight(): number
  close(): void
}

export function createCalls(deps: {
  outlets: Outlets
  pulse: Pulse
  settings: ReadSetting
  report: (error: unknown) => void
}): Calls {
  const { pulse, settings } = deps
  const arrivals = new Map<string, number>()
  let arriving = 0
  const host: CallHost = {
    outlets: deps.outlets,
    silent: new LiveList(),
    modern: new LiveList(),
    inFlight: 0,
    report: deps.report,
  }
  const stopBeating = pulse.onBeat((beat) => {
    // In order of birth, so the first young one ends the search. One whose stream is open is silent no more.
    let oldest = host.silent.first
    while (oldest && beat - oldest.born >= SILENT_BEATS) {
      oldest.openStream()
      oldest = host.silent.first
    }
  })

  const checkAll = (): void => {
    if (host.inFlight + arriving >= settings('limits.requests')) throw new GatewayError('http.too_busy')
  }

  const arrives = (clientId: string, by: 1 | -1): void => {
    const left = (arrivals.get(clientId) ?? 0) + by
    if (left === 0) arrivals.delete(clientId)
    else arrivals.set(clientId, left)
    arriving += by
  }

  const admit = (load: ClientLoad): void => {
    checkAll()
    const most = settings('limits.client_in_flight')
    if (load.inFlight >= most)
      throw new GatewayError('upstream.busy', `this client has ${most} calls in flight`)
  }

  return {
    host,
    admit,
    start(session, message, keepOpen) {
      admit(session.load)
      return new Call(host, session, message, pulse.beat, keepOpen)
    },
    arrive(clientId) {
      checkAll()
      const most = settings('limits.client_in_flight')
      if ((arrivals.get(clientId) ?? 0) >= most)
        throw new GatewayError('http.too_busy', `${most} large requests of this client are on their way`)
      arrives(clientId, 1)
      return () => arrives(clientId, -1)
    },
    inFlight: () => host.inFlight,
    close: stopBeating,
  }
}
