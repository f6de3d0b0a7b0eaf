import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, Nothing, SetCreate, SetMembers, SpaceQuery } from './schemas'

/** Feature Sets of a Space. */
export function setRoutes({ sets, spaces, events, record }: AdminDeps) {
  const changed = (spaceId: string) => events.emit('policy.changed', { spaceId, clientId: null })

  return resource('/sets')
    .get('/', ({ query }) => sets.list(query.space ? spaces.find(query.space).id : spaces.active().id), {
      query: SpaceQuery,
    })
    .post(
      '/',
      ({ body, request }) => {
        const set = sets.create(spaces.get(body.spaceId).id, body.name.trim(), body.members)
        changed(set.spaceId)
        record(request, { action: 'set.created', spaceId: set.spaceId, subject: set.name })
        return set
      },
      { body: SetCreate },
    )
    .get('/:id', ({ params }) => sets.get(params.id), { params: IdParams })
    .put(
      '/:id/members',
      ({ params, body, request }) => {
        const set = sets.setMembers(sets.get(params.id).id, body.members)
        changed(set.spaceId)
        record(request, { action: 'set.changed', spaceId: set.spaceId, subject: set.name })
        return set
      },
      { params: IdParams, body: SetMembers },
    )
    .delete(
      '/:id',
      ({ params, request }) => {
        const set = sets.get(params.id)
        sets.remove(set.id)
        changed(set.spaceId)
        record(request, { action: 'set.removed', spaceId: set.spaceId, subject: set.name })
        return { removed: set.id }
      },
      { params: IdParams, body: Nothing },
    )
}
