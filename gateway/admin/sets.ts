import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, Nothing, SetCreate, SetMembers, SpaceQuery } from './schemas'

/** Feature Sets of a Space. */
export function setRoutes({ sets, spaces, events }: AdminDeps) {
  const changed = (spaceId: string) => events.emit('policy.changed', { spaceId, clientId: null })

  return resource('/sets')
    .get('/', ({ query }) => sets.list(query.space ? spaces.find(query.space).id : spaces.active().id), {
      query: SpaceQuery,
    })
    .post(
      '/',
      ({ body }) => {
        const set = sets.create(spaces.get(body.spaceId).id, body.name.trim(), body.members)
        changed(set.spaceId)
        return set
      },
      { body: SetCreate },
    )
    .get('/:id', ({ params }) => sets.get(params.id), { params: IdParams })
    .put(
      '/:id/members',
      ({ params, body }) => {
        const set = sets.setMembers(sets.get(params.id).id, body.members)
        changed(set.spaceId)
        return set
      },
      { params: IdParams, body: SetMembers },
    )
    .delete(
      '/:id',
      ({ params }) => {
        const set = sets.get(params.id)
        sets.remove(set.id)
        changed(set.spaceId)
        return { removed: set.id }
      },
      { params: IdParams, body: Nothing },
    )
}
