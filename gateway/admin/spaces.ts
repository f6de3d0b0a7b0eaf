import type { Space } from '../domain/space'
import { GatewayError } from '../errors'
import type { AdminDeps } from './deps'
import { duplicateSpace, exportSpace } from './space-copies'
import { resource } from './resource'
import { IdParams, Nothing, SpaceCreate, SpaceDuplicate, SpaceMove, SpacePatch } from './schemas'

/** A Space, whether it is the active one, and how many servers it has. */
export interface SpaceView extends Space {
  active: boolean
  servers: number
}

export function spaceViews({ spaces, servers }: Pick<AdminDeps, 'spaces' | 'servers'>): SpaceView[] {
  const activeId = spaces.active().id
  return spaces
    .list()
    .map((space) => ({ ...space, active: space.id === activeId, servers: servers.list(space.id).length }))
}

/** Spaces. The active one is what clients without a pin follow. */
export function spaceRoutes(deps: AdminDeps) {
  const { spaces, sets, servers, operator, events, record } = deps
  const changed = (spaceId: string) => events.emit('space.changed', { spaceId })

  return resource('/spaces')
    .get('/', () => spaceViews(deps))
    .post(
      '/',
      ({ body, request }) => {
        const space = spaces.create({ ...body, name: body.name.trim() })
        changed(space.id)
        record(request, { action: 'space.created', spaceId: space.id, subject: space.name })
        return space
      },
      { body: SpaceCreate },
    )
    .get('/:id', ({ params }) => spaces.find(params.id), { params: IdParams })
    .patch(
      '/:id',
      ({ params, body, request }) => {
        const { id } = spaces.get(params.id)
        if (body.defaultSetId !== undefined) sets.find(id, body.defaultSetId)
        const space = spaces.update(id, body)
        changed(id)
        const what = Object.keys(body).join(', ')
        record(request, { action: 'space.changed', spaceId: id, subject: space.name, detail: { what } })
        return space
      },
      { params: IdParams, body: SpacePatch },
    )
    .get('/:id/export', ({ params }) => exportSpace(deps, spaces.get(params.id)), { params: IdParams })
    .post(
      '/:id/duplicate',
      ({ params, body, request }) => {
        const original = spaces.get(params.id)
        const made = duplicateSpace(deps, original, body.name.trim(), body.secrets)
        const { space } = made
        changed(space.id)
        for (const { id } of made.servers) events.emit('server.changed', { spaceId: space.id, serverId: id })
        record(request, {
          action: 'space.created',
          spaceId: space.id,
          subject: space.name,
          detail: { from: original.name, servers: made.servers.length, secrets: body.secrets },
        })
        return {
          space,
          servers: made.servers.length,
          needConsent: made.servers.filter(({ definition }) => definition.type === 'stdio').length,
        }
      },
      { params: IdParams, body: SpaceDuplicate },
    )
    .post(
      '/:id/move',
      ({ params, body, request }) => {
        const space = spaces.get(params.id)
        spaces.move(space.id, body.position)
        for (const { id } of spaces.list()) changed(id)
        record(request, {
          action: 'space.changed',
          spaceId: space.id,
          subject: space.name,
          detail: { what: 'position' },
        })
        return spaceViews(deps)
      },
      { params: IdParams, body: SpaceMove },
    )
    .post(
      '/:id/use',
      ({ params, request }) => {
        const space = spaces.get(params.id)
        spaces.use(space.id)
        changed(space.id)
        record(request, { action: 'space.used', spaceId: space.id, subject: space.name })
        events.emit('policy.changed', { spaceId: null, clientId: null })
        return space
      },
      { params: IdParams, body: Nothing },
    )
    .delete(
      '/:id',
      async ({ params, request }) => {
        const space = spaces.get(params.id)
        if (space.id === spaces.active().id)
          throw new GatewayError('space.in_use', 'it is the active one; use another first')
        const inside = servers.list(space.id)
        await Promise.all(inside.map((server) => operator.stop(server.id)))
        for (const server of inside) deps.leaveIssuers(server)
        spaces.remove(space.id)
        for (const server of inside) events.emit('server.changed', { spaceId: space.id, serverId: server.id })
        changed(space.id)
        events.emit('policy.changed', { spaceId: space.id, clientId: null })
        record(request, {
          action: 'space.removed',
          spaceId: space.id,
          subject: space.name,
          detail: { servers: inside.length },
        })
        return { removed: space.id }
      },
      { params: IdParams, body: Nothing },
    )
}
