import { createHash } from 'node:crypto'
import type { Identity } from '../domain/client'
import { logLevels, type LogLevel } from '../domain/exchange'
import type { ReadSetting } from '../domain/settings'
import { GatewayError } from '../errors'
import type { EventBus } from '../events'
import type { Upstreams } from '../router/ports'
import type { Runtime } from '../runtime'
import type { SessionStore } from '../store/sessions'
import { notificationMessage } from '../wire/messages'
import type { Pulse } from './pulse'
import type { SessionKeys } from './session-keys'
import { Session, type ClientLoad, type SessionFacts } from './session'

/** What a client says of itself at initialize; raw JSON objects. */
export interface Hello {
  protocolVersion: string
  clientInfo: string
  clientCapabilities: string
}

/** All sessions: those in memory, and behind them those that can be rebuilt from what is stored. */
export interface Sessions {
  /** `confirm` throws when the identity counts no more; it is asked after the wait for the id. */
  open(identity: Identity, hello: Hello, confirm: () => void): Promise<Session>
  /**
   * Throws `session.unknown`, the same for one of another client and for one that never was. A promise only for a
   * session that is not in memory: while it is restored the key may be revoked.
   */
  find(id: string, identity: Identity): Session | Promise<Session>
  /** The session is over and its id worth nothing. */
  end(session: Session): void
  setLogLevel(session: Session, level: LogLevel): void
  /** The calls in flight of a client, with a session or without. */
  loadOf(clientId: string): ClientLoad
  /** Those in memory. */
  list(): Iterable<Session>
  byLabel(label: string): Session | null
  /** Writes down what is needed to rebuild them and closes their streams. */
  close(): void
}

/** The lists a client may be told to read again. */
const changedLists = ['tools', 'prompts', 'resources'] as const
export type ChangedList = (typeof changedLists)[number]

const RESTORABLE_MS = 30 * 86_400_000
/** So many times the limit of sessions in memory may be stored, so that a client that never ends one fills no disk. */
const STORED_TIMES = 5
const PURGE_BEATS = 3600
const SAVE_MS = 600_000

const labelOf = (id: string): string => createHash('sha256').update(id, 'ascii').digest('hex')

/** Only hashes of session ids are stored: what is in the database opens no session. */
export function createSessions(deps: {
  store: SessionStore
  keys: Pick<SessionKeys, 'issue' | 'issued'>
  upstreams: Pick<Upstreams, 'release' | 'resume' | 'setLogLevel'>
  spaceOf: (clientId: string) => string
  settings: ReadSetting
  runtime: Pick<Runtime, 'now' | 'monotonic' | 'randomBytes'>
  events: EventBus
  pulse: Pulse
  report: (error: unknown) => void
}): Sessions {
  const { store, keys, upstreams, runtime } = deps
  const live = new Map<string, Session>()
  const labels = new Map<string, Session>()
  const loads = new Map<string, ClientLoad>()
  const saved = new Map<Session, number>()
  const toldLevels = new Map<string, LogLevel>()

  const now = (): number => runtime.now()
  /** Sessions are stored for the time after a restart: a full disk ends none, and holds none back. */
  const write = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'store.unwritable') throw error
      deps.report(error)
    }
  }
  /** A client may be removed before its sessions are. */
  const spaceOrNull = (session: Session): string | null => {
    try {
      return deps.spaceOf(session.facts.clientId) || null
    } catch {
      return null
    }
  }
  const newEpoch = (): string => Buffer.from(runtime.randomBytes(4)).toString('hex')

  /** Tells every Space whose lowest wanted level is another one now. */
  const tellLogLevels = (): void => {
    const lowest = new Map<string, LogLevel>()
    for (const session of live.values()) {
      const spaceId = session.logLevel === null ? null : spaceOrNull(session)
      if (session.logLevel === null || spaceId === null) continue
      const known = lowest.get(spaceId)
      if (!known || logLevels.indexOf(session.logLevel) < logLevels.indexOf(known))
        lowest.set(spaceId, session.logLevel)
    }
    for (const spaceId of new Set([...toldLevels.keys(), ...lowest.keys()])) {
      const level = lowest.get(spaceId) ?? null
      if ((toldLevels.get(spaceId) ?? null) === level) continue
      if (level === null) toldLevels.delete(spaceId)
      else toldLevels.set(spaceId, level)
      upstreams.setLogLevel(spaceId, level)
    }
  }

  const leave = (session: Session): void => {
    if (!live.delete(session.facts.id)) return
    labels.delete(session.facts.label)
    saved.delete(session)
    session.load.sessions.delete(session)
    session.end()
    if (session.load.sessions.size === 0 && session.load.inFlight === 0) loads.delete(session.facts.clientId)
    upstreams.release(session.facts.label)
    if (session.logLevel !== null) tellLogLevels()
  }

  /** Out of memory, but not over. */
  const rest = (session: Session): void => {
    write(() => store.update(session.facts.label, { lastSeenAt: session.lastSeen }))
    leave(session)
  }

  const over = (session: Session): void => {
    leave(session)
    write(() => store.remove(session.facts.label))
  }

  const makeRoom = (load: ClientLoad): void => {
    const most = deps.settings('limits.sessions_per_client')
    while (load.sessions.size >= most) {
      let oldest: Session | null = null
      for (const session of load.sessions) {
        if (!oldest) oldest = session
        else if (session.quiet !== oldest.quiet ? session.quiet : session.lastSeen < oldest.lastSeen)
          oldest = session
      }
      if (!oldest) return
      rest(oldest)
    }
  }

  const loadOf = (clientId: string): ClientLoad => {
    const known = loads.get(clientId)
    if (known) return known
    const load = { inFlight: 0, sessions: new Set<Session>() }
    loads.set(clientId, load)
    return load
  }

  const admit = (facts: SessionFacts, credentialId: string): Session => {
    makeRoom(loadOf(facts.clientId))
    const load = loadOf(facts.clientId)
    const session = new Session(facts, load, newEpoch(), runtime, credentialId)
    load.sessions.add(session)
    live.set(facts.id, session)
    labels.set(facts.label, session)
    saved.set(session, session.lastSeen)
    return session
  }

  const use = (session: Session, identity: Identity): Session => {
    if (session.facts.clientId !== identity.clientId) throw new GatewayError('session.unknown')
    if (session.credentialId !== identity.credentialId) {
      session.credentialId = identity.credentialId
      session.credentialIds.add(identity.credentialId)
    }
    session.lastSeen = now()
    return session
  }

  const restore = async (id: string, identity: Identity): Promise<Session> => {
    if (!(await keys.issued(id, identity.clientId))) throw new GatewayError('session.unknown')
    // Another request with this id may have been faster.
    const met = live.get(id)
    if (met) return use(met, identity)
    const stored = store.get(labelOf(id))
    if (!stored || stored.clientId !== identity.clientId) throw new GatewayError('session.unknown')
    if (stored.lastSeenAt < now() - RESTORABLE_MS) throw new GatewayError('session.unknown')
    const session = admit({ ...stored, id, label: stored.id }, identity.credentialId)
    if (session.logLevel !== null) tellLogLevels()
    upstreams.resume(session.facts.label)
    // What changed meanwhile is not known any more, so its client is asked to read every list again.
    for (const list of changedLists)
      session.tell(notificationMessage(`notifications/${list}/list_changed`), list)
    return session
  }

  const stopListening = [
    // The Space of a client may be another one now.
    deps.events.on('policy.changed', tellLogLevels),
    deps.events.on('client.changed', tellLogLevels),
    deps.events.on('client.revoked', ({ clientId, credentialId }) => {
      for (const session of [...live.values()]) {
        if (
          session.facts.clientId !== clientId ||
          (credentialId !== null && !session.credentialIds.has(credentialId))
        )
          continue
        over(session)
      }
      if (credentialId === null) write(() => store.removeForClient(clientId))
    }),
    deps.events.on('keys.renewed', () => {
      for (const session of [...live.values()]) over(session)
      // Their ids are known to nobody any more.
      write(() => store.expire(Number.MAX_SAFE_INTEGER))
    }),
    deps.events.on('key.ended', ({ clientId, credentialId }) => {
      for (const session of loads.get(clientId)?.sessions ?? []) session.dropStreams(credentialId)
    }),
  ]

  const stopBeating = deps.pulse.onBeat((beat) => {
    const time = now()
    const idleSince = time - deps.settings('timeouts.session_idle')
    for (const session of [...live.values()]) {
      if (session.listenUntil !== null && session.listenUntil <= time) session.listen.drop()
      if (!session.quiet) session.lastSeen = time
      if (session.lastSeen < idleSince) {
        rest(session)
        continue
      }
      const written = saved.get(session) ?? 0
      if (session.lastSeen - written >= SAVE_MS) {
        saved.set(session, session.lastSeen)
        write(() => store.update(session.facts.label, { lastSeenAt: session.lastSeen }))
      }
      if (beat % 60 === 0) session.replay.expire()
    }
    if (beat % PURGE_BEATS === 0) write(() => store.expire(time - RESTORABLE_MS))
  })
  write(() => store.expire(now() - RESTORABLE_MS))

  return {
    async open(identity, hello, confirm) {
      const id = await keys.issue(identity.clientId)
      confirm()
      const label = labelOf(id)
      const createdAt = now()
      write(() => {
        store.save({
          id: label,
          clientId: identity.clientId,
          ...hello,
          logLevel: null,
          createdAt,
          lastSeenAt: createdAt,
        })
        store.keepNewest(identity.clientId, STORED_TIMES * deps.settings('limits.sessions_per_client'))
      })
      return admit(
        { id, label, clientId: identity.clientId, ...hello, logLevel: null, createdAt },
        identity.credentialId,
      )
    },
    find(id, identity) {
      const session = live.get(id)
      return session ? use(session, identity) : restore(id, identity)
    },
    end: over,
    setLogLevel(session, level) {
      session.logLevel = level
      write(() => store.update(session.facts.label, { logLevel: level }))
      tellLogLevels()
    },
    loadOf,
    list: () => live.values(),
    byLabel: (label) => labels.get(label) ?? null,
    close() {
      for (const stop of stopListening) stop()
      stopBeating()
      for (const session of [...live.values()]) rest(session)
    },
  }
}
