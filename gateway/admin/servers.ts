import { t } from 'elysia'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import {
  CallQuery,
  IdParams,
  Nothing,
  SecretValues,
  ServerConsent,
  ServerCreate,
  ServerPatch,
  SpaceQuery,
} from './schemas'
import { serverView } from './server-view'
import { createServerWrites } from './server-writes'

/** Servers: the rows, their consent and their secrets; live ones only through the operator. */
export function serverRoutes(deps: AdminDeps) {
  const { servers, spaces, operator } = deps
  const writes = createServerWrites(deps)
  const view = (id: string) => serverView(servers.get(id), deps)

  return (
    resource('/servers')
      .get(
        '/',
        ({ query }) =>
          servers.list(query.space && spaces.find(query.space).id).map((it) => serverView(it, deps)),
        {
          query: SpaceQuery,
        },
      )
      .post('/', ({ body }) => serverView(writes.create(body), deps), { body: ServerCreate })
      .post('/check', ({ body }) => writes.check(body), { body: ServerCreate })
      .get('/:id', ({ params }) => view(params.id), { params: IdParams })
      .patch(
        '/:id',
        async ({ params, body }) => {
          const { id } = writes.patch(params.id, body)
          // Who is told that it is disabled may rely on its processes being gone.
          if (body.enabled === false) await operator.stop(id)
          return view(id)
        },
        { params: IdParams, body: ServerPatch },
      )
      .delete(
        '/:id',
        async ({ params }) => {
          const { id } = servers.get(params.id)
          // Gone from the machine before it is gone from the list.
          await operator.stop(id)
          writes.remove(id)
          return { removed: id }
        },
        { params: IdParams, body: Nothing },
      )
      .post('/:id/consent', ({ params, body }) => serverView(writes.approve(params.id, body), deps), {
        params: IdParams,
        body: ServerConsent,
      })
      .put(
        '/:id/secrets',
        ({ params, body }) => serverView(writes.setSecrets(params.id, body.values), deps),
        {
          params: IdParams,
          body: SecretValues,
        },
      )
      .post(
        '/:id/connect',
        async ({ params, request }) => {
          const { id } = servers.get(params.id)
          await operator.connect(id, request.signal)
          return view(id)
        },
        { params: IdParams, body: Nothing },
      )
      .post(
        '/:id/restart',
        async ({ params }) => {
          const { id } = servers.get(params.id)
          await operator.restart(id)
          return view(id)
        },
        { params: IdParams, body: Nothing },
      )
      .post(
        '/:id/stop',
        async ({ params }) => {
          const { id } = servers.get(params.id)
          await operator.stop(id)
          return view(id)
        },
        { params: IdParams, body: Nothing },
      )
      // Arguments and answer are bytes: no parser touches them on the way.
      .post(
        '/:id/call',
        async ({ params, query, request }) => {
          const server = servers.get(params.id)
          const args = new Uint8Array(await request.arrayBuffer())
          const answer = await operator.call(server.spaceId, server.id, query.tool, args, request.signal)
          return new Response(new Uint8Array(answer), { headers: { 'content-type': 'application/json' } })
        },
        { params: IdParams, query: CallQuery, parse: 'none', response: t.Any() },
      )
  )
}
