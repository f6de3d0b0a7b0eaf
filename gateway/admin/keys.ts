import { mintAccessKey } from '../auth/access-key'
import type { AuditEntry } from '../domain/audit'
import type { AccessKey, Client } from '../domain/client'
import { GatewayError } from '../errors'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { ClientQuery, IdParams, KeyCreate, Nothing } from './schemas'

/** The one answer that ever carries the text of a key. */
export interface NewKey {
  key: string
  id: string
  hint: string
  client: Client
  expiresAt: number | null
}

/** Access keys: made, rotated and revoked; shown once, at creation. */
export function keyRoutes({ keys, clients, spaces, sets, events, runtime, record }: AdminDeps) {
  function issue(client: Client, expiresAt: number | null): NewKey {
    const { key, hash, hint } = mintAccessKey(runtime.randomBytes)
    const row = keys.create({ clientId: client.id, hash, hint, expiresAt })
    return { key: key.reveal(), id: row.id, hint, client, expiresAt }
  }

  /**
   * Makes or finds the client. A new one is pinned to the Space and gets the Feature Set; one that exists keeps its
   * rights unless others were asked for and the change was confirmed.
   */
  function clientFor({ client: name, space, set, confirm }: KeyCreate, request: Request): Client {
    const existing = clients.findByName(name)
    if (existing && space === undefined && set === undefined) return existing
    const target =
      space === undefined ? spaces.get(existing?.spaceId ?? spaces.active().id) : spaces.find(space)
    const setId = set === undefined ? target.defaultSetId : sets.find(target.id, set).id
    const here = existing ? clients.grants(existing.id).filter((grant) => grant.spaceId === target.id) : []
    const same =
      existing?.spaceId === target.id &&
      here.some((grant) => grant.setId === setId) &&
      (set === undefined || here.length === 1)
    if (existing && same) return existing
    if (existing && !confirm)
      throw new GatewayError('client.exists', 'confirm to change the Space or the Feature Set of this client')

    const client = existing
      ? clients.update(existing.id, { spaceId: target.id, everywhere: false })
      : clients.create({ name, spaceId: target.id })
    for (const grant of here) if (grant.setId !== setId) clients.revokeGrant(grant)
    clients.grant({ clientId: client.id, spaceId: target.id, setId })
    record(request, {
      action: existing ? 'client.changed' : 'client.created',
      clientId: client.id,
      spaceId: target.id,
      subject: client.name,
      detail: { set: sets.get(setId).name },
    })
    events.emit('client.changed', { clientId: client.id })
    events.emit('policy.changed', { spaceId: null, clientId: client.id })
    return client
  }

  const recordKey = (
    request: Request,
    action: 'key.created' | 'key.rotated' | 'key.revoked',
    key: { clientId: string; hint: string },
    detail: AuditEntry['detail'] = {},
  ): void => {
    const { id, name } = clients.get(key.clientId)
    record(request, { action, clientId: id, subject: `${name} …${key.hint}`, detail })
  }

  const active = (key: AccessKey): AccessKey => {
    if (key.revokedAt !== null) throw new GatewayError('key.unknown', 'this key is revoked')
    return key
  }

  return (
    resource('/keys')
      .get('/', ({ query }) => keys.list(query.client && clients.get(query.client).id), {
        query: ClientQuery,
      })
      .post(
        '/',
        ({ body, request }) => {
          const client = clientFor({ ...body, client: body.client.trim() }, request)
          const made = issue(client, body.expiresAt ?? null)
          events.emit('client.changed', { clientId: client.id })
          recordKey(request, 'key.created', { clientId: client.id, hint: made.hint }, { key: made.id })
          return made
        },
        { body: KeyCreate },
      )
      // Only the old key and its streams end; sessions belong to the client and go on with the new key.
      .post(
        '/:id/rotate',
        ({ params, request }) => {
          const old = active(keys.get(params.id))
          const made = issue(clients.get(old.clientId), old.expiresAt)
          keys.revoke(old.id)
          events.emit('key.rotated', { clientId: old.clientId, credentialId: old.id })
          events.emit('client.changed', { clientId: old.clientId })
          recordKey(request, 'key.rotated', old, { key: old.id, by: made.id })
          return made
        },
        { params: IdParams, body: Nothing },
      )
      .delete(
        '/:id',
        ({ params, request }) => {
          const key = active(keys.get(params.id))
          keys.revoke(key.id)
          events.emit('client.revoked', { clientId: key.clientId, credentialId: key.id })
          recordKey(request, 'key.revoked', key, { key: key.id })
          return { revoked: key.id }
        },
        { params: IdParams, body: Nothing },
      )
  )
}
