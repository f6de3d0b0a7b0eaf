import type { Client } from '../domain/client'
import type { Grant } from '../domain/policy'
import type { Space } from '../domain/space'

/** Grants nobody stored: the default set of each Space, for each client that follows everywhere. */
export function everywhereGrants({
  clients,
  spaces,
}: {
  clients: { list(): readonly Client[] }
  spaces: { list(): readonly Space[] }
}): Grant[] {
  const everywhere = clients.list().filter((client) => client.everywhere)
  if (everywhere.length === 0) return []
  return spaces
    .list()
    .flatMap(({ id: spaceId, defaultSetId: setId }) =>
      everywhere.map(({ id: clientId }) => ({ clientId, spaceId, setId })),
    )
}

/**
 * The grants of a client in one Space: those that are stored, and for a client that follows everywhere the default set
 * of that Space, whichever it is now.
 */
export function standingGrants(
  deps: {
    clients: { list(): readonly Client[]; grants(clientId: string): readonly Grant[] }
    spaces: { list(): readonly Space[] }
  },
  clientId: string,
  spaceId: string,
): Grant[] {
  const stored = deps.clients.grants(clientId).filter((grant) => grant.spaceId === spaceId)
  const standing = everywhereGrants(deps).filter(
    (grant) =>
      grant.clientId === clientId &&
      grant.spaceId === spaceId &&
      stored.every(({ setId }) => setId !== grant.setId),
  )
  return [...stored, ...standing]
}
