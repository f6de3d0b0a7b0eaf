import { sse } from 'elysia'
import type { AdminDeps } from './deps'
import { type FlowView, flowView, isLive } from './flow-view'
import { CallbackBody, FlowQuery } from './login-schemas'
import { resource } from './resource'
import { IdParams, Nothing } from './schemas'

type Deps = Pick<AdminDeps, 'flows' | 'events' | 'servers'>

/** The sign-in as it is, then at each change, until it is over or gone or `signal` aborts. */
export async function* phases(
  { flows, events }: Pick<Deps, 'flows' | 'events'>,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<FlowView> {
  let wake = () => {}
  let changed = true
  const notice = () => {
    changed = true
    wake()
  }
  const off = events.on('flow.changed', ({ flowId }) => {
    if (flowId === id) notice()
  })
  signal.addEventListener('abort', notice)
  try {
    while (!signal.aborted) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      changed = false
      const flow = flowView(flows.get(id))
      yield flow
      if (!isLive(flow)) return
    }
  } finally {
    off()
    signal.removeEventListener('abort', notice)
  }
}

/** Sign-ins at servers: under way, and those of the last day. They begin at `POST /servers/:id/login`. */
export const flowRoutes = (deps: Deps) => {
  const { flows, servers } = deps
  return (
    resource('/flows')
      .get(
        '/',
        ({ query }) =>
          flows.list(query.server === undefined ? undefined : servers.get(query.server).id).map(flowView),
        { query: FlowQuery },
      )
      .get('/:id', ({ params }) => flowView(flows.get(params.id)), { params: IdParams })
      .delete('/:id', ({ params }) => flowView(flows.cancel(params.id)), { params: IdParams, body: Nothing })
      .get(
        '/:id/stream',
        async function* ({ params, request }) {
          for await (const flow of phases(deps, params.id, request.signal))
            yield sse({ event: 'flow', data: flow })
        },
        { params: IdParams },
      )
      // For browsers that cannot reach this machine: the address they ended at, by the hand of a person.
      .post(
        '/:id/callback',
        async ({ params, body }) => {
          flows.get(params.id)
          return flowView(await flows.finish(body.url.trim()))
        },
        { params: IdParams, body: CallbackBody },
      )
  )
}
