import { mintAccessKey } from '../auth/access-key'
import type { AuditEntry } from '../domain/audit'
import { type AccessKey, type Client, type KeyState, keyState } from '../domain/client'
import { GatewayError } from '../errors'
import type { AdminDeps } from './deps'
import { KeyCreate, KeyPatch, KeyRotate } from './key-schemas'
import { resource } from './resource'
import { ClientQuery, IdParams, Nothing } from './schemas'

/** The one answer that ever carries the text of a key. */
export interface NewKey {
  key: string
  id: string
  hint: string
  label: string | null
  client: Client
  expiresAt: number | null
}

/** A key as it is stored, whose it is and what it is now. */
export interface KeyView extends AccessKey {
  /** Name of the client. */
  client: string
  state: KeyState
}

/** Access keys: made, rotated and revoked; shown once, at creation. */
export function keyRoutes({ keys, clients, spaces, sets, events, runtime, record, db }: AdminDeps) {
  const view = (key: AccessKey): KeyView => ({
    ...key,
    client: clients.get(key.clientId).name,
    state: keyState(key, runtime.now()),
  })

  function issue(client: Client, expiresAt: number | null, label: string | null): NewKey {
    if (expiresAt !== null && expiresAt <= runtime.now())
      throw new GatewayError('input.invalid', 'the key would have expired already')
    const { key, hash, hint } = mintAccessKey(runtime.randomBytes)
    const row = keys.create({ clientId: client.id, hash, hint, expiresAt, label })
    return { key: key.reveal(), id: row.id, hint, label, client, expiresAt }
  }

  /**
   * Makes or finds the client. A new one is pinned to the Space and gets the Feature Set; one that exists keeps its
   * rights unless others were asked for and the change was confirmed.
   */
  function clientFor({ client: name, space, set, confirm }: KeyCreate): {
    client: Client
    /** What to record of it; null when nothing changed. */
    change: Omit<AuditEntry, 'actor'> | null
  } {
    const existing = clients.findByName(name)
    if (existing && space === undefined && set === undefined) return { client: existing, change: null }
    const target =
      space === undefined ? spaces.get(existing?.spaceId ?? spaces.active().id) : spaces.find(space)
    const setId = set === undefined ? target.defaultSetId : sets.find(target.id, set).id
    const here = existing ? clients.grants(existing.id).filter((grant) => grant.spaceId === target.id) : []
    const same =
      existing?.spaceId === target.id &&
      here.some((grant) => grant.setId === setId) &&
      (set === undefined || here.length === 1)
    if (existing && same) return { client: existing, change: null }
    if (existing && !confirm)
      throw new GatewayError('client.exists', 'confirm to change the Space or the Feature Set of this client')

    const client = existing
      ? clients.update(existing.id, { spaceId: target.id, everywhere: false })
      : clients.create({ name, spaceId: target.id })
    for (const grant of here) if (grant.setId !== setId) clients.revokeGrant(grant)
    clients.grant({ clientId: client.id, spaceId: target.id, setId })
    return {
      client,
      change: {
        action: existing ? 'client.changed' : 'client.created',
        clientId: client.id,
        spaceId: target.id,
        subject: client.name,
        detail: { set: sets.get(setId).name },
      },
    }
  }

  const entry = (
    action: AuditEntry['action'],
    { clientId, hint, label }: Pick<AccessKey, 'clientId' | 'hint' | 'label'>,
    detail: AuditEntry['detail'] = {},
  ): Omit<AuditEntry, 'actor'> => {
    const { name } = clients.get(clientId)
    const subject = `${name} …${hint}${label === null ? '' : ` (${label})`}`
    return { action, clientId, subject, detail }
  }

  const active = (key: AccessKey): AccessKey => {
    if (key.revokedAt !== null) throw new GatewayError('key.unknown', 'this key is revoked')
    return key
  }

  /** As long from now as the old key had from its making. */
  const sameLifetime = ({ createdAt, expiresAt }: AccessKey): number | null =>
    expiresAt === null ? null : runtime.now() + Math.max(expiresAt - createdAt, 1)

  return (
    resource('/keys')
      .get('/', ({ query }) => keys.list(query.client && clients.get(query.client).id).map(view), {
        query: ClientQuery,
      })
      .post(
        '/',
        ({ body, request }) => {
          const { made, change } = db.transaction(() => {
            const found = clientFor({ ...body, client: body.client.trim() })
            const label = body.label?.trim() ?? null
            return { made: issue(found.client, body.expiresAt ?? null, label), change: found.change }
          })
          const clientId = made.client.id
          events.emit('client.changed', { clientId })
          if (change) {
            events.emit('policy.changed', { spaceId: null, clientId })
            record(request, change)
          }
          record(request, entry('key.created', { ...made, clientId }, { key: made.id }))
          return made
        },
        { body: KeyCreate },
      )
      .patch(
        '/:id',
        ({ params, body, request }) => {
          const before = active(keys.get(params.id))
          if (body.expiresAt && body.expiresAt <= runtime.now())
            throw new GatewayError('input.invalid', 'to end a key now, revoke it')
          const label = body.label === undefined ? before.label : (body.label?.trim() ?? null)
          const key = keys.update(before.id, { ...body, label })
          events.emit('client.changed', { clientId: key.clientId })
          const what = Object.keys(body).join(', ')
          record(request, entry('key.changed', key, { key: key.id, what }))
          return view(key)
        },
        { params: IdParams, body: KeyPatch },
      )
      // Only the old key and its streams end; sessions belong to the client and go on with the new key.
      .post(
        '/:id/rotate',
        ({ params, body, request }) => {
          const old = active(keys.get(params.id))
          if (old.replacedBy !== null)
            throw new GatewayError('key.replaced', 'rotate the key that took over from it')
          const { overlap = 0, expiresAt = sameLifetime(old) } = body ?? {}
          const ends = Math.min(runtime.now() + overlap, old.expiresAt ?? Infinity)
          const made = db.transaction(() => {
            const fresh = issue(clients.get(old.clientId), expiresAt, old.label)
            keys.update(old.id, { replacedBy: fresh.id, ...(overlap > 0 ? { expiresAt: ends } : {}) })
            if (overlap === 0) keys.revoke(old.id)
            return fresh
          })
          if (overlap === 0) events.emit('key.ended', { clientId: old.clientId, credentialId: old.id })
          events.emit('client.changed', { clientId: old.clientId })
          record(request, entry('key.rotated', old, { key: old.id, by: made.id, overlap }))
          return made
        },
        { params: IdParams, body: KeyRotate },
      )
      .delete(
        '/:id',
        ({ params, request }) => {
          const key = active(keys.get(params.id))
          keys.revoke(key.id)
          events.emit('client.revoked', { clientId: key.clientId, credentialId: key.id })
          record(request, entry('key.revoked', key, { key: key.id }))
          return { revoked: key.id }
        },
        { params: IdParams, body: Nothing },
      )
  )
}
