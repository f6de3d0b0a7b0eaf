import type { AccessKey, Client } from '../domain/client'
import type { Grant } from '../domain/policy'
import type { SignIn } from '../domain/sign-in'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { ClientPatch, GrantBody, IdParams, Nothing } from './schemas'

/** A client with what follows from its grants now. Of keys it holds what is stored, never the key. */
export interface ClientView extends Client {
  grants: Grant[]
  keys: AccessKey[]
  /** What it came by without a key; the ended ones too. */
  signIns: SignIn[]
  /** The Space it works in now. */
  spaceNow: string
  /** False when nothing covers that Space: then it sees nothing. */
  seesSomething: boolean
}

type Deps = Pick<AdminDeps, 'clients' | 'keys' | 'signIns' | 'spaces'>

export function clientView(client: Client, { clients, keys, signIns, spaces }: Deps): ClientView {
  const spaceNow = client.spaceId ?? spaces.active().id
  const grants = clients.grants(client.id)
  return {
    ...client,
    grants,
    keys: keys.list(client.id),
    signIns: signIns.list(client.id),
    spaceNow,
    seesSomething: client.everywhere || grants.some((grant) => grant.spaceId === spaceNow),
  }
}

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
    .get('/:id', ({ params }) => clientView(clients.get(params.id), deps), { params: IdParams })
    .patch(
      '/:id',
      ({ params, body, request }) => {
        const { id } = clients.get(params.id)
        if (body.spaceId) spaces.get(body.spaceId)
        const client = clients.update(id, body)
        changed(id)
        const what = Object.keys(body).join(', ')
        record(request, { action: 'client.changed', clientId: id, subject: client.name, detail: { what } })
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
