import type { AuditAction, AuditEntry } from '../domain/audit'
import { isSecretName, referredNames } from '../domain/references'
import type { Server } from '../domain/server'
import type { Space } from '../domain/space'
import { GatewayError } from '../errors'
import { Secret } from '../secrets/secret'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, SecretRemoval, SecretValue, SpaceQuery } from './schemas'

/** A secret of a Space: never its value. */
export interface SpaceSecretView {
  name: string
  spaceId: string
  /** Epoch milliseconds. */
  setAt: number
  /** Servers that refer to it. */
  usedBy: { id: string; name: string }[]
}

/** Servers of a Space whose definition refers to a secret of that name. */
const usersOf = (servers: readonly Server[], name: string): Server[] =>
  servers.filter(({ definition }) => referredNames(definition).secrets.includes(name))

/** Named secrets of a Space, kept once for all of its servers. */
export function spaceSecretRoutes({ spaces, servers, namedSecrets, events, record }: AdminDeps) {
  const spaceOf = (wanted: string | undefined): Space =>
    wanted === undefined ? spaces.active() : spaces.find(wanted)
  const views = (space: Space): SpaceSecretView[] =>
    namedSecrets.list(space.id).map((secret) => ({
      ...secret,
      spaceId: space.id,
      usedBy: usersOf(servers.list(space.id), secret.name).map(({ id, name }) => ({ id, name })),
    }))
  /** Servers that use it are started anew with what it is now. */
  const changed = (space: Space, name: string) => {
    for (const { id } of usersOf(servers.list(space.id), name))
      events.emit('server.changed', { spaceId: space.id, serverId: id })
  }
  const note = (request: Request, action: AuditAction, { id }: Space, subject: string) => {
    const entry: Omit<AuditEntry, 'actor'> = { action, spaceId: id, subject }
    record(request, entry)
  }

  return resource('/secrets')
    .get('/', ({ query }) => views(spaceOf(query.space)), { query: SpaceQuery })
    .put(
      '/:id',
      ({ params, query, body, request }) => {
        const space = spaceOf(query.space)
        const name = params.id
        if (!isSecretName(name))
          throw new GatewayError(
            'input.invalid',
            'a secret is called by up to 64 letters, digits, dots, dashes and underscores',
          )
        namedSecrets.set(space.id, name, new Secret(body.value))
        changed(space, name)
        note(request, 'secret.set', space, name)
        const view = views(space).find((one) => one.name === name)
        if (!view) throw new GatewayError('secret.unknown')
        return view
      },
      { params: IdParams, query: SpaceQuery, body: SecretValue },
    )
    .delete(
      '/:id',
      ({ params, query, request }) => {
        const space = spaceOf(query.space)
        const view = views(space).find(({ name }) => name === params.id)
        if (!view) throw new GatewayError('secret.unknown')
        if (view.usedBy.length > 0 && query.used !== 'true')
          throw new GatewayError('secret.in_use', view.usedBy.map(({ name }) => name).join(', '))
        namedSecrets.remove(space.id, view.name)
        changed(space, view.name)
        note(request, 'secret.removed', space, view.name)
        return { removed: view.name }
      },
      { params: IdParams, query: SecretRemoval },
    )
}
