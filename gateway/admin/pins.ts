import type { CalledWords } from '../domain/called'
import { isWithheld, type PinFinding, type PinPolicy, reasonWords } from '../domain/pins'
import type { Server } from '../domain/server'
import type { Difference } from '../pins/difference'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, PinAccept, PinQuery, SpaceQuery } from './schemas'

/** A definition that is not the accepted one. */
export interface PinChange {
  kind: PinFinding['kind']
  /** Original name; '' for instructions. */
  name: string
  reasons: PinFinding['reasons']
  /** The reasons in words. */
  what: string
  /** Whether clients are kept from it; else it is let through as it is now. */
  withheld: boolean
  /** Epoch milliseconds. */
  since: number
  /** The accepted text, null when there is none, and the one on offer. */
  before: string | null
  after: string
  diff: Difference[]
}

/** What became of the definitions of one server. */
export interface ServerPins {
  serverId: string
  server: string
  alias: string
  spaceId: string
  space: string
  called: CalledWords
  policy: PinPolicy
  /** To be repeated when what is shown here is accepted. */
  stamp: string
  changes: PinChange[]
}

/** One definition on offer, shown whole. */
export interface DefinitionView {
  kind: PinFinding['kind']
  name: string
  definition: string
  /** The pin it is held against: SHA-256 (hex) over canonical JSON; null when there is none. */
  digest: string | null
  /** Who accepted it as it is: `cli`, `window`; null when nobody was asked. */
  acceptedBy: string | null
  isAsAccepted: boolean
  shown: Difference[]
}

type Deps = Pick<AdminDeps, 'pins' | 'spaces' | 'servers' | 'called' | 'record'>

function serverPins(
  server: Server,
  { pins, spaces, called }: Pick<Deps, 'pins' | 'spaces' | 'called'>,
): ServerPins {
  const policy = pins.policy(server.spaceId)
  return {
    serverId: server.id,
    server: server.name,
    alias: server.alias,
    spaceId: server.spaceId,
    space: spaces.get(server.spaceId).name,
    called: called(server),
    policy,
    stamp: pins.stamp(server.id),
    changes: pins.findings(server.id).map((finding) => ({
      kind: finding.kind,
      name: finding.name,
      reasons: finding.reasons,
      what: reasonWords(finding.reasons),
      withheld: isWithheld(policy, finding),
      since: finding.since,
      before: finding.accepted,
      after: finding.current,
      diff: pins.differences(finding),
    })),
  }
}

/** Definitions that are not what was accepted, by server, and the acceptance of what a server offers now. */
export function pinRoutes(deps: Deps) {
  const { pins, servers, spaces, record } = deps
  const view = (id: string) => serverPins(servers.get(id), deps)

  return resource('/pins')
    .get(
      '/',
      ({ query }) =>
        servers
          .list(query.space && spaces.find(query.space).id)
          .filter(({ id }) => pins.findings(id).length > 0)
          .map((server) => serverPins(server, deps)),
      { query: SpaceQuery },
    )
    .get(
      '/:id',
      ({ params, query }): ServerPins & { definitions?: DefinitionView[] } => {
        const shown = view(params.id)
        if (query.all === undefined) return shown
        const definitions = pins
          .definitions(params.id)
          .map(({ kind, name, current, digest, finding, acceptedBy }) => ({
            kind,
            name,
            definition: current,
            digest,
            acceptedBy,
            isAsAccepted: finding === null,
            shown: pins.differences({ kind, accepted: null, current }),
          }))
        return { ...shown, definitions }
      },
      { params: IdParams, query: PinQuery },
    )
    .post(
      '/:id/accept',
      ({ params, body, request }) => {
        const server = servers.get(params.id)
        const accepted = pins.accept(server, { stamp: body.stamp, all: body.all ?? false, by: body.givenBy })
        record(request, {
          action: 'pins.accepted',
          spaceId: server.spaceId,
          serverId: server.id,
          subject: server.name,
          detail: { by: body.givenBy, definitions: accepted, all: body.all ?? false },
        })
        return { ...view(server.id), accepted }
      },
      { params: IdParams, body: PinAccept },
    )
}
