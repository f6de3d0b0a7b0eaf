import type { Actor } from '../domain/audit'
import { GatewayError } from '../errors'

/** Who makes each request of the admin API: what the door found out, never what the request says. */
export interface Actors {
  /** Throws `admin.forbidden` for a request that came through no door. */
  of(request: Request): Actor
  /** The application as a door hands requests to it. */
  behindDoor(app: { handle(request: Request): Promise<Response> | Response }): {
    handle(request: Request, by: Actor): Promise<Response> | Response
  }
}

export function createActors(): Actors {
  const known = new WeakMap<Request, Actor>()
  return {
    of(request) {
      const actor = known.get(request)
      if (!actor) throw new GatewayError('admin.forbidden')
      return actor
    },
    behindDoor: (app) => ({
      handle(request, by) {
        known.set(request, by)
        return app.handle(request)
      },
    }),
  }
}
