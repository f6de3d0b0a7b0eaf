import type { Grant } from '../domain/policy'
import { GatewayError } from '../errors'
import { clientView } from './client-view'
import type { AdminDeps } from './deps'
import { findClient } from './find-client'
import { resource } from './resource'
import { GrantChange } from './set-schemas'

const isIn =
  (grants: readonly Grant[]) =>
  ({ setId }: Grant): boolean =>
    grants.some((one) => one.setId === setId)

/** Which Feature Sets a client has in a Space, changed at once: all of a change happens, or nothing. */
export function grantRoutes(deps: AdminDeps) {
  const { clients, spaces, sets, events, db, record } = deps

  return resource('/grants').post(
    '/',
    ({ body: { client: wanted, space, sets: wantedSets, mode }, request }) => {
      const client = findClient(clients, wanted)
      const { id: spaceId } =
        space === undefined ? spaces.get(client.spaceId ?? spaces.active().id) : spaces.find(space)
      const asked = [...new Set(wantedSets.map((set) => sets.find(spaceId, set).id))].map(
        (setId): Grant => ({ clientId: client.id, spaceId, setId }),
      )
      if (asked.length === 0 && mode !== 'revoke')
        throw new GatewayError('input.invalid', 'name at least one Feature Set')
      const held = clients.grants(client.id).filter((grant) => grant.spaceId === spaceId)
      const away = held.filter((grant) => {
        if (mode === 'revoke') return asked.length === 0 || isIn(asked)(grant)
        return mode === 'replace' && !isIn(asked)(grant)
      })
      const given = mode === 'revoke' ? [] : asked.filter((grant) => !isIn(held)(grant))
      db.transaction(() => {
        for (const grant of away) clients.revokeGrant(grant)
        for (const grant of given) clients.grant(grant)
      })
      events.emit('client.changed', { clientId: client.id })
      events.emit('policy.changed', { spaceId: null, clientId: client.id })
      const entry = (setId: string) => ({
        ...{ spaceId, clientId: client.id, subject: client.name },
        detail: { set: sets.get(setId).name },
      })
      for (const { setId } of away) record(request, { action: 'grant.withdrawn', ...entry(setId) })
      for (const { setId } of given) record(request, { action: 'grant.given', ...entry(setId) })
      return clientView(client, deps)
    },
    { body: GrantChange },
  )
}
