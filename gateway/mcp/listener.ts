import { GatewayError } from '../errors'
import { portOwner } from './port-owner'
import { problemReply } from './replies'

/** The parts of a listening server the door uses. */
export interface LoopbackServer {
  readonly port: number
  requestIP(request: Request): { address: string } | null
  /** Idle time-out of one request in seconds, 0 for none. */
  timeout(request: Request, seconds: number): void
}

export type Handler = (request: Request) => Response | Promise<Response>

export interface Listener {
  readonly port: number
  /** Addresses that are served, `127.0.0.1` and `::1` where the machine has both. */
  readonly addresses: readonly string[]
  /** Stops accepting and ends what is open. */
  stop(): Promise<void>
}

type Running = Bun.Server<undefined>

/** Seconds; also ends requests whose headers or body trickle in. */
const IDLE_SECONDS = 10
/** The largest body any setting allows. */
const MOST_BODY = 64 * 1024 * 1024
const PORT_TRIES = 20

const families: Record<string, readonly string[]> = {
  localhost: ['127.0.0.1', '::1'],
  '127.0.0.1': ['127.0.0.1'],
  '::1': ['::1'],
}

/** The addresses a `host` setting stands for. Throws `listen.not_loopback` for everything but the three spellings. */
export function loopbackAddresses(host: string): readonly string[] {
  const addresses = Object.hasOwn(families, host) ? families[host] : undefined
  if (!addresses) throw new GatewayError('listen.not_loopback', 'use localhost, 127.0.0.1 or ::1')
  return addresses
}

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

/**
 * Listens on every loopback address of `host`, all on one port (0: any that is free on all of them). A family the
 * machine does not have is left out; a taken address refuses the whole, so that nobody else can be `localhost`.
 * Throws `listen.taken`, `listen.not_loopback`.
 */
export async function openListener(options: {
  host: string
  port: number
  handler: (server: LoopbackServer) => Handler
  report: (error: unknown) => void
}): Promise<Listener> {
  const addresses = loopbackAddresses(options.host)
  for (let attempt = 1; ; attempt += 1) {
    const open = tryListen(addresses, options.port, options.handler, options.report)
    if (!open.taken) return listenerOf(open.servers)
    await Promise.all(open.servers.map((server) => server.stop(true)))
    if (options.port === 0 && attempt < PORT_TRIES) continue
    const owner = portOwner(open.taken)
    throw new GatewayError(
      'listen.taken',
      `${open.taken} is held by ${owner ?? 'another program'}; end it, or choose another port with --port`,
    )
  }
}

function tryListen(
  addresses: readonly string[],
  wanted: number,
  handlerOf: (server: LoopbackServer) => Handler,
  report: (error: unknown) => void,
): { servers: Running[]; taken: number | null } {
  const servers: Running[] = []
  let port = wanted
  for (const hostname of addresses) {
    try {
      const server = listen(hostname, port, handlerOf, report)
      servers.push(server)
      port = server.port ?? port
    } catch (thrown) {
      const code = codeOf(thrown)
      if (code === 'EADDRINUSE') return { servers, taken: port }
      if (code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT') throw thrown
    }
  }
  if (servers.length === 0)
    throw new GatewayError('listen.not_loopback', 'this machine has no loopback address')
  return { servers, taken: null }
}

function listen(
  hostname: string,
  port: number,
  handlerOf: (server: LoopbackServer) => Handler,
  report: (error: unknown) => void,
): Running {
  let handler: Handler | null = null
  const server: Running = Bun.serve({
    hostname,
    port,
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: MOST_BODY,
    development: false,
    // Bun shares the port with any program of the same user unless told not to.
    reusePort: false,
    fetch: (request) => {
      handler ??= handlerOf({
        port: server.port ?? port,
        requestIP: (one) => server.requestIP(one),
        timeout: (one, seconds) => server.timeout(one, seconds),
      })
      return handler(request)
    },
    error: (thrown) => {
      report(thrown)
      return problemReply(new GatewayError('internal'))
    },
  })
  return server
}

function listenerOf(servers: readonly Running[]): Listener {
  const [first] = servers
  return {
    port: first?.port ?? 0,
    addresses: servers.map((server) => server.hostname ?? ''),
    async stop() {
      await Promise.all(servers.map((server) => server.stop(true)))
    },
  }
}
