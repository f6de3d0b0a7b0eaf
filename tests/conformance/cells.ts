// What the suite is run against: one flavour of the fixture, directly or behind the gateway.
import {
  type FixtureTransport,
  type Flavour,
  fixtureCommand,
  startFixture,
} from '../support/conformance-fixture'
import type { Daemon } from '../support/daemon'
import { startForwarder } from '../support/forwarder'
import { type Outcome, type Revision, runSuite } from './suite'

export interface Cell {
  revision: Revision
  flavour: Flavour
  /** How the gateway reaches the fixture. */
  transport: FixtureTransport
}

const v1: Flavour = { sdk: 'v1', era: 'legacy' }
const v2: Flavour = { sdk: 'v2', era: 'legacy' }
const modern: Flavour = { sdk: 'v2', era: 'modern' }

/** What each revision's servers are, each by itself. */
export const directs: readonly Omit<Cell, 'transport'>[] = [
  { revision: '2025-11-25', flavour: v1 },
  { revision: '2025-11-25', flavour: v2 },
  { revision: '2026-07-28', flavour: modern },
]

/** A client of one revision with a server of the same. */
export const cells: readonly Cell[] = directs.flatMap((direct) =>
  (['stdio', 'http'] as const).map((transport) => ({ ...direct, transport })),
)

export const nameOf = ({ revision, flavour: { sdk, era } }: Omit<Cell, 'transport'>): string =>
  `${revision} with SDK ${sdk} ${era}`

export async function runDirect({ revision, flavour }: Omit<Cell, 'transport'>): Promise<Outcome> {
  await using fixture = await startFixture(flavour, 'http')
  return await runSuite(fixture.url, revision)
}

/** Runs the suite through a gateway, in a Space of its own with the fixture as its only server. */
export async function runThrough(daemon: Daemon, { revision, flavour, transport }: Cell): Promise<Outcome> {
  await using fixture = transport === 'stdio' ? null : await startFixture(flavour, transport)
  const name = [revision, flavour.sdk, flavour.era, transport].join('-')
  await daemon.ok('space', 'create', name)
  const address = fixture
    ? ['--url', fixture.url, '--transport', transport]
    : ['--', ...fixtureCommand(flavour, 'stdio')]
  await daemon.ok('add', 'fixture', '--space', name, '--no-prefix', '--yes', ...address)
  const key = (await daemon.ok('key', 'create', name, '--space', name)).trim()
  await using forwarder = await startForwarder(daemon.mcpUrl, key)
  return await runSuite(forwarder.url, revision)
}
