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
  /** Scenarios or checks that cannot pass between two eras, and why. */
  excused?: Readonly<Record<string, string>>
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

const reached = (direct: Omit<Cell, 'transport'>): Cell[] =>
  (['stdio', 'http'] as const).map((transport) => ({ ...direct, transport }))

/** What a server with sessions cannot know of a client without. */
const withSessions = {
  'input-required-result-basic-elicitation':
    'its questions have no names, and the suite wants one of its own',
  'input-required-result-ignore-extra-params': 'the same: the suite answers by a name it never heard',
  'sep-2575-server-rejects-undeclared-capability': 'it is told so when it asks, and may go on without',
  'sep-2575-missing-capability-http-400': 'the same',
  'input-required-result-capability-check': 'it hears of all that some client can, not of what this one can',
}

/** A client of one revision with a server of the same, and with one of another, which the gateway stands between. */
export const cells: readonly Cell[] = [
  ...directs,
  { revision: '2026-07-28', flavour: v1, excused: withSessions } as const,
  { revision: '2026-07-28', flavour: v2, excused: withSessions } as const,
  { revision: '2025-11-25', flavour: modern } as const,
].flatMap(reached)

/** What a cell is measured by: its own server by itself, or where the revisions differ, one of the client's. */
export const measureOf = (cell: Cell): string => {
  const own = directs.find((direct) => nameOf(direct) === nameOf(cell))
  const alike = directs.findLast(({ revision }) => revision === cell.revision)
  return nameOf(own ?? alike ?? cell)
}

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
