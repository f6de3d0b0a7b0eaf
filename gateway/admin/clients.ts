import type { Grant } from '../domain/policy'
import { clientView } from './client-view'
import type { AdminDeps } from './deps'
import { findClient } from './find-client'
import { resource } from './resource'
import { ClientPatch, GrantBody, IdParams, Nothing } from './schemas'

/** AI applications and what they were granted. */
export function clientRoutes(deps: AdminDeps) {
  const { clients, spaces, sets, events, record } = deps
  const changed = (clientId: string) => {
    events.emit('client.changed', { clientId })
    events.emit('policy.changed', { spaceId: null, clientId })
  }
  const grantOf = (clientId: string, { spaceId, setId }: { spaceId: string; setId: string }): Grant => ({
    clientId: clients.get(clientId).id,
    spaceId: spaces.get(spaceId).id,
    setId: sets.find(spaceId, setId).id,
  })

  const granted = (action: 'grant.given' | 'grant.withdrawn', { clientId, spaceId, setId }: Grant) => ({
    action,
    clientId,
    spaceId,
    subject: clients.get(clientId).name,
    detail: { set: sets.get(setId).name },
  })

  return resource('/clients')
    .get('/', () => clients.list().map((client) => clientView(client, deps)))
    .get('/:id', ({ params }) => clientView(findClient(clients, params.id), deps), { params: IdParams })
    .patch(
      '/:id',
      ({ params, body, request }) => {
        const before = clients.get(params.id)
        const { id } = before
        if (body.spaceId) spaces.get(body.spaceId)
        const client = clients.update(id, body)
        changed(id)
        record(request, {
          action: 'client.changed',
          clientId: id,
          subject: client.name,
          ...(client.spaceId === null ? {} : { spaceId: client.spaceId }),
          detail: {
            ...(body.name === undefined || before.name === client.name ? {} : { before: before.name }),
            ...(body.spaceId === undefined ? {} : { pinned: client.spaceId !== null }),
          },
        })
        return clientView(client, deps)
      },
      { params: IdParams, body: ClientPatch },
    )
    .put(
      '/:id/grants',
      ({ params, body, request }) => {
        const grant = grantOf(params.id, body)
        clients.grant(grant)
        changed(params.id)
        record(request, granted('grant.given', grant))
        return clientView(clients.get(params.id), deps)
      },
      { params: IdParams, body: GrantBody },
    )
    .delete(
      '/:id/grants',
      ({ params, body, request }) => {
        const grant = grantOf(params.id, body)
        clients.revokeGrant(grant)
        changed(params.id)
        record(request, granted('grant.withdrawn', grant))
        return clientView(clients.get(params.id), deps)
      },
      { params: IdParams, body: GrantBody },
    )
    .delete(
      '/:id',
      ({ params, request }) => {
        const { id, name } = clients.get(params.id)
        clients.remove(id)
        events.emit('client.revoked', { clientId: id, credentialId: null })
        changed(id)
        record(request, { action: 'client.removed', clientId: id, subject: name })
        return { removed: id }
      },
      { params: IdParams, body: Nothing },
    )
}
