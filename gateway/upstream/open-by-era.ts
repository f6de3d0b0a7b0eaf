// Which era a server speaks, found out while it is opened (docs/decisions/0013-era-detection.md).
import type { EraVerdict } from '../domain/era'
import type { Server } from '../domain/server'
import { GatewayError, toGatewayError, type ErrorCode } from '../errors'
import { UndeliveredError, type ChannelEvents } from '../transport/channel'
import { RefusedError } from './answers'
import type { Connection, ConnectionOptions } from './connection'
import { initializeOn } from './legacy-connection'
import { openLeg, type Leg } from './leg'
import { discoverOn } from './modern-connection'
import { untilAborted } from './until-aborted'

/** A server that once spoke the older era only is asked again after this. */
const LEGACY_FOR_MS = 7 * 24 * 3_600_000
/** How long a probe may hold up a start: of a process beside the one that runs, and of an address. */
const SIBLING_MS = 2000
const ADDRESS_MS = 5000
/** Lines of a probe that are kept for the log of the server, should it become the connection. */
const MOST_LINES = 100

/** Failures that say nothing about the era of a server. */
const unrelated: readonly ErrorCode[] = [
  'upstream.spawn_failed',
  'upstream.unauthorized',
  'upstream.credentials_refused',
  'oauth.unreachable',
  'credential.unreadable',
  'upstream.unavailable',
  'rpc.cancelled',
]

/** What one server is remembered to speak. */
export interface EraMemory {
  get(): EraVerdict | null
  set(verdict: EraVerdict): void
  forget(): void
}

interface Opened {
  leg: Leg
  connection: Connection
}

/**
 * Opens a connection of the era a person chose for the server, or else of the one it speaks: the newer where it speaks
 * both. Rejects with a GatewayError, every leg closed.
 */
export async function openByEra(
  { definition, era }: Pick<Server, 'definition' | 'era'>,
  memory: EraMemory,
  options: ConnectionOptions,
): Promise<Connection> {
  if (era === 'legacy' || definition.type === 'sse') return take(await legacy(options))
  if (era === 'modern') return take(await modern(options, true))
  const known = memory.get()
  const fresh = known && (known.era === 'modern' || isRecent(known, options.runtime.now()))
  if (!fresh) return found(await probed(definition.type, options))
  try {
    const opened = await remembered(known)
    if (known.era === 'legacy' && opened.connection.handshake.serverInfo !== known.serverInfo) memory.forget()
    return take(opened)
  } catch (error) {
    if (!(error instanceof GatewayError) || options.signal.aborted || isUnrelated(error)) throw error
    memory.forget()
    if (!(error instanceof RefusedError)) throw error
    return found(await probed(definition.type, options))
  }

  function remembered(verdict: EraVerdict): Promise<Opened> {
    return verdict.era === 'modern' ? modern(options, false) : legacy(options)
  }

  /** A verdict that cannot be stored is found again. */
  function found(opened: Opened): Connection {
    const { connection } = opened
    try {
      const { serverInfo } = connection.handshake
      memory.set({ era: connection.era, serverInfo, foundAt: options.runtime.now() })
    } catch {
      options.log('Connection', 'what it speaks could not be noted')
    }
    return take(opened)
  }
}

/** A leg that could not be reached ends with that as its cause. */
const isUnrelated = (error: GatewayError): boolean =>
  unrelated.includes(error.code) || error.options?.cause instanceof UndeliveredError

const isRecent = ({ foundAt }: EraVerdict, now: number): boolean =>
  now - foundAt < LEGACY_FOR_MS && foundAt <= now

function take({ leg, connection }: Opened): Connection {
  leg.announce()
  return connection
}

async function legacy(options: ConnectionOptions): Promise<Opened> {
  const leg = await openLeg(options)
  return { leg, connection: await leg.greet(() => initializeOn(leg, options)) }
}

async function modern(options: ConnectionOptions, pinned: boolean): Promise<Opened> {
  const leg = await openLeg(options)
  const timeout = options.settings('timeouts.initialize')
  const connection = await leg.greet(async () =>
    requireModern(await discoverOn(leg, options, { timeout, pinned })),
  )
  return { leg, connection }
}

function requireModern(connection: Connection | null): Connection {
  if (!connection) throw new RefusedError(0, 'it does not speak MCP 2026-07-28')
  return connection
}

const probed = (type: 'stdio' | 'http', options: ConnectionOptions): Promise<Opened> =>
  type === 'http' ? probedAddress(options) : probedProcess(options)

/** Asks first in the newer era and then, at the same address, in the older one. */
async function probedAddress(options: ConnectionOptions): Promise<Opened> {
  const leg = await openLeg(options)
  const connection = await leg.greet(async () => {
    try {
      const newer = await discoverOn(leg, options, { timeout: ADDRESS_MS, pinned: false })
      if (newer) return newer
    } catch (error) {
      if (!(error instanceof GatewayError) || error instanceof UndeliveredError || leg.ended) throw error
    }
    return initializeOn(leg, options)
  })
  return { leg, connection }
}

/**
 * Starts the server as one of the older era. One that refuses is asked in the newer era, in place; for one that takes it a
 * second process is asked, because some end or hang when anything comes before initialize. Whichever is not needed ends.
 */
async function probedProcess(options: ConnectionOptions): Promise<Opened> {
  const timeout = options.settings('timeouts.initialize')
  const leg = await openLeg(options)
  const connection = await leg.greet(() =>
    initializeOn(leg, options).catch(async (error: unknown) => {
      if (!(error instanceof RefusedError)) throw error
      const newer = await discoverOn(leg, options, { timeout, pinned: false }).catch(() => null)
      if (!newer) throw error
      return newer
    }),
  )
  if (connection.era === 'modern') return { leg, connection }
  const sibling = await probedSibling(options).catch(async (error: unknown) => {
    await leg.close('it is not wanted any more')
    throw error
  })
  if (sibling) {
    options.leaving(connection.close('its newer era is used'))
    return sibling
  }
  // Two of it at once may not get along; alone it works.
  return leg.ended && !options.signal.aborted ? legacy(options) : { leg, connection }
}

/** Null for a second process that ends, refuses, or says nothing in time. Rejects when the opening is given up. */
async function probedSibling(options: ConnectionOptions): Promise<Opened | null> {
  const lines: Parameters<ChannelEvents['onLog']>[] = []
  let speaks = false
  const quiet: ConnectionOptions = {
    ...options,
    log(...line) {
      if (speaks) options.log(...line)
      else if (lines.length < MOST_LINES) lines.push(line)
    },
  }
  let leg: Leg | null = null
  try {
    leg = await openLeg(quiet)
    const asked = discoverOn(leg, quiet, { timeout: SIBLING_MS, pinned: false })
    const connection = await untilAborted(asked, options.signal)
    if (connection) {
      speaks = true
      for (const line of lines) options.log(...line)
      return { leg, connection }
    }
  } catch {
    // Whatever it was: the other process is what counts.
  }
  if (leg) options.leaving(leg.close('it was only asked what it speaks'))
  if (options.signal.aborted) throw toGatewayError(options.signal.reason)
  return null
}
