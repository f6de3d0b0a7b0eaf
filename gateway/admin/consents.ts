import { type ConsentChange, consentChanges, consentForm } from '../domain/consent-form'
import { risks } from '../domain/risks'
import type { Server } from '../domain/server'
import type { Approval } from '../secrets/consents'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { type DefinitionBody, IdParams, Nothing, SpaceQuery } from './schemas'
import { definitionBody, type InputView, inputViews } from './server-view'
import { createServerWrites } from './server-writes'

/** What a server would run or contact, and what a person has to know to approve it. */
export interface ConsentView {
  serverId: string
  server: string
  alias: string
  spaceId: string
  space: string
  source: string
  definition: DefinitionBody
  inputs: InputView[]
  /** What to notice, in words. */
  risks: string[]
  /** The approval that holds for exactly this; null when it waits for one. */
  given: Approval | null
  /** Why it waits; null when it does not. `unproven`: what is stored as an approval has no seal of ours. */
  waits: 'new' | 'changed' | 'withdrawn' | 'unproven' | null
  /** What was approved before, where that is known. */
  before: Approval | null
  /** What is different from that. */
  changes: ConsentChange[] | null
}

function consentView(server: Server, { consents, spaces, secrets, consentRows }: AdminDeps): ConsentView {
  const given = consents.of(server)
  const last = consents.last(server.id)
  const waits = () => {
    if (last) return last.withdrawn ? ('withdrawn' as const) : ('changed' as const)
    return consentRows.get(server.id) ? ('unproven' as const) : ('new' as const)
  }
  const changes = last ? consentChanges(last.form, consentForm(server)) : null
  return {
    serverId: server.id,
    server: server.name,
    alias: server.alias,
    spaceId: server.spaceId,
    space: spaces.get(server.spaceId).name,
    source: server.source,
    definition: definitionBody(server.definition),
    inputs: inputViews(server, secrets),
    risks: risks(server.definition, server.inputs),
    given,
    waits: given ? null : changes?.length ? 'changed' : waits(),
    before: last && { givenBy: last.givenBy, givenAt: last.givenAt },
    changes,
  }
}

/** Approvals of what runs: what waits for one, why, and what is different; taking one back. Giving is the server's. */
export function consentRoutes(deps: AdminDeps) {
  const { servers, spaces, operator, record } = deps
  const writes = createServerWrites(deps)

  return resource('/consents')
    .get(
      '/',
      ({ query }) =>
        servers
          .list(query.space && spaces.find(query.space).id)
          .map((server) => consentView(server, deps))
          .filter(({ waits }) => waits !== null),
      { query: SpaceQuery },
    )
    .get('/:id', ({ params }) => consentView(servers.get(params.id), deps), { params: IdParams })
    .delete(
      '/:id',
      async ({ params, request }) => {
        const { id, spaceId, name } = writes.disapprove(params.id)
        // Who is told may rely on its processes being gone.
        await operator.stop(id)
        record(request, { action: 'consent.withdrawn', spaceId, serverId: id, subject: name })
        return consentView(servers.get(id), deps)
      },
      { params: IdParams, body: Nothing },
    )
}
