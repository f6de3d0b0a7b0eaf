// Builds every part in its order, opens the doors, and takes all of it down again in reverse.
import { openAdminDoors } from './compose/admin-doors'
import { openFoundation } from './compose/foundation'
import { openFrontDoor } from './compose/front-door'
import { openOAuth } from './compose/oauth'
import type { GatewayOptions } from './compose/options'
import { openPolicy, openRequests } from './compose/requests'
import { openServers } from './compose/servers'
import { openSignIn } from './compose/sign-in'
import type { Config } from './config'
import { openLibc } from './control/libc'
import { lockDataFolder } from './control/lock'
import { GatewayError } from './errors'
import type { Listening } from './oauth/callback'
import type { Announce } from './session/announce'
import { createPulse } from './session/pulse'
import { version } from './version'

/** A gateway that serves. */
export interface Gateway {
  mcpUrl: string
  adminUrl: string
  /** Drains for up to five seconds, then ends everything. Idempotent. */
  stop(): Promise<void>
  /** Resolves when the gateway has stopped: with null when it was asked to, else with why it could not go on. */
  stopped: Promise<GatewayError | null>
  /** Takes what nobody caught. */
  fault(error: unknown): void
}

const DRAIN_MS = 5000
/** What an answer needs to leave, before its connection is closed. */
const FAREWELL_MS = 100
/** Beats between two looks at what must hold, and between two turns of the upkeep. */
const LOOK_BEATS = 3
const UPKEEP_BEATS = 10

/** Starts the gateway on its data folder. Throws before anything is served when it cannot be served whole. */
export async function startGateway(config: Config, options: GatewayOptions): Promise<Gateway> {
  const { runtime } = options
  const libc = openLibc(config.platform)
  const lock = lockDataFolder(config.dataDir, libc)
  // What is open so far, ended in reverse when the start fails half-way or the gateway stops.
  const parts = new AsyncDisposableStack()
  parts.defer(() => lock.release())
  try {
    const foundation = openFoundation(parts, config, options)
    const { tell, fault, upkeep, trail } = foundation
    const policy = openPolicy(parts, foundation)
    let announce: Announce | null = null
    let listening: Listening | null = null
    const oauth = openOAuth(parts, foundation, () => listening)
    const servers = await openServers(parts, foundation, oauth, () => announce)

    const pulse = createPulse(runtime, fault, (cause) =>
      breach(new GatewayError('internal', 'its pulse stopped', { cause })),
    )
    parts.defer(() => pulse.stop())
    const requests = openRequests(parts, foundation, policy, servers, pulse)
    announce = requests.announce
    const { operatorCalls } = requests
    const signIn = openSignIn(parts, foundation)
    const front = await openFrontDoor(
      parts,
      foundation,
      policy,
      servers,
      requests,
      signIn,
      oauth,
      pulse,
      options,
    )
    const { door, mcpUrl } = front
    listening = front.listener

    const done = Promise.withResolvers<GatewayError | null>()
    const adminUrl = openAdminDoors(parts, foundation, policy, servers, requests, signIn, oauth, front, {
      libc,
      quit: () => void stop(),
    })

    tell.quietNote(`McpMux ${version} serves ${mcpUrl}`)
    parts.defer(() => tell.quietNote('stopped taking calls'))

    let stopping: Promise<void> | null = null
    function stop(): Promise<void> {
      stopping ??= drain().then(() => end(null))
      return stopping
    }
    /** A promise does not hold any more, so it is not for us to go on: the servers end, and whoever supervises us acts. */
    function breach(error: GatewayError): void {
      fault(error)
      stopping ??= end(error)
    }
    /** Whatever fails on the way down does not keep the rest from ending. */
    async function end(why: GatewayError | null): Promise<void> {
      try {
        operatorCalls.close()
        await parts.disposeAsync()
      } catch (error) {
        fault(error)
      }
      done.resolve(why)
    }
    parts.defer(
      pulse.onBeat((beat) => {
        if (beat % LOOK_BEATS === 0 && !lock.holds()) breach(new GatewayError('store.gone'))
        trail.turn()
        if (beat % UPKEEP_BEATS !== 0) return
        upkeep.turn(door.inFlight() === 0)
        oauth.flows.turn()
        trail.prune()
      }),
    )
    /**
     * Calls in flight get a moment to end; new ones are still taken, because their client cannot know. What is left
     * then is told so.
     */
    async function drain(): Promise<void> {
      const end = runtime.monotonic() + DRAIN_MS
      while (door.inFlight() + operatorCalls.inFlight() > 0 && runtime.monotonic() < end)
        await runtime.sleep(25)
      if (door.inFlight() === 0) return
      door.cancel(new GatewayError('upstream.lost', 'McpMux is stopping'))
      await runtime.sleep(FAREWELL_MS)
    }
    return { mcpUrl, adminUrl, stop, stopped: done.promise, fault }
  } catch (error) {
    await parts.disposeAsync()
    throw error
  }
}
