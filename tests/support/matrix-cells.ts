// Every way through the gateway that SDKs of both lines and eras make, and those that cannot exist.
import { type FixtureTransport, type Flavour } from './conformance-fixture'

export const clientKinds = ['SDK v1', 'SDK v2 legacy', 'SDK v2 modern'] as const
export type ClientKind = (typeof clientKinds)[number]

export const serverKinds = {
  'SDK v1': { sdk: 'v1', era: 'legacy' },
  'SDK v2 legacy': { sdk: 'v2', era: 'legacy' },
  'SDK v2 modern': { sdk: 'v2', era: 'modern' },
} as const satisfies Record<string, Flavour>
export type ServerKind = keyof typeof serverKinds

/** What does not exist on either side of the gateway, and why. */
export const impossible: readonly { transport: FixtureTransport; server: ServerKind; why: string }[] = [
  { transport: 'sse', server: 'SDK v2 legacy', why: 'the newer line of the SDK has no server for HTTP+SSE' },
  { transport: 'sse', server: 'SDK v2 modern', why: 'HTTP+SSE belongs to the eras with sessions' },
]

export interface Upstream {
  transport: FixtureTransport
  server: ServerKind
}

export const transports: readonly FixtureTransport[] = ['stdio', 'http', 'sse']

export const upstreams: readonly Upstream[] = transports.flatMap((transport) =>
  (Object.keys(serverKinds) as ServerKind[])
    .filter((server) => !impossible.some((cell) => cell.transport === transport && cell.server === server))
    .map((server) => ({ transport, server })),
)

export const nameOfUpstream = ({ transport, server }: Upstream): string =>
  `${server} ${transport}`.replaceAll(' ', '-').toLowerCase()
