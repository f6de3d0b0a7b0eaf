import type { PinPolicy } from '../domain/pins'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import { IdParams, PinPolicyBody } from './schemas'

/** What a Space does with definitions that are not the accepted ones. */
export interface PinPolicyView {
  spaceId: string
  space: string
  policy: PinPolicy
}

export function pinPolicyRoutes({ pins, spaces, record }: Pick<AdminDeps, 'pins' | 'spaces' | 'record'>) {
  const view = (id: string): PinPolicyView => {
    const space = spaces.get(id)
    return { spaceId: space.id, space: space.name, policy: pins.policy(space.id) }
  }
  return resource('/pin-policies')
    .get('/', () => spaces.list().map(({ id }) => view(id)))
    .get('/:id', ({ params }) => view(params.id), { params: IdParams })
    .put(
      '/:id',
      ({ params, body, request }) => {
        const before = view(params.id)
        pins.setPolicy(params.id, body.policy)
        record(request, {
          action: 'policy.changed',
          spaceId: before.spaceId,
          subject: before.space,
          detail: { what: 'pins', from: before.policy, to: body.policy },
        })
        return view(params.id)
      },
      { params: IdParams, body: PinPolicyBody },
    )
}
