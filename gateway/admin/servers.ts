import { t } from 'elysia'
import type { AuditAction, AuditEntry } from '../domain/audit'
import type { Server } from '../domain/server'
import type { AdminDeps } from './deps'
import { resource } from './resource'
import {
  CallQuery,
  IdParams,
  InputValues,
  Nothing,
  ServerConsent,
  ServerCreate,
  ServerPatch,
  SpaceQuery,
} from './schemas'
import { serverView } from './server-view'
import { createServerWrites } from './server-writes'

/** Servers: the rows, their consent and their secrets; live ones only through the operator. */
export function serverRoutes(deps: AdminDeps) {
  const { servers, spaces, operator, consents, record } = deps
  const writes = createServerWrites(deps)
  const view = (id: string) => serverView(servers.get(id), deps)
  const note = (
    request: Request,
    action: AuditAction,
    { id, spaceId, name }: Pick<Server, 'id' | 'spaceId' | 'name'>,
    detail: AuditEntry['detail'] = {},
  ) => record(request, { action, spaceId, serverId: id, subject: name, detail })

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
      .post(
        '/',
        ({ body, request }) => {
          const server = writes.create(body)
          note(request, 'server.added', server, { type: server.definition.type })
          if (body.consent) note(request, 'consent.given', server, { by: body.consent.givenBy })
          return serverView(server, deps)
        },
        { body: ServerCreate },
      )
      .post('/check', ({ body }) => writes.check(body), { body: ServerCreate })
      .get('/:id', ({ params }) => view(params.id), { params: IdParams })
      .patch(
        '/:id',
        async ({ params, body, request }) => {
          const consented = consents.of(servers.get(params.id)) !== null
          const server = writes.patch(params.id, body)
          const { id } = server
          note(request, 'server.changed', server, { what: Object.keys(body).join(', ') })
          if (consented && !consents.of(server)) note(request, 'consent.withdrawn', server)
          // Who is told that it is disabled may rely on its processes being gone.
          if (body.enabled === false) await operator.stop(id)
          return view(id)
        },
        { params: IdParams, body: ServerPatch },
      )
      .delete(
        '/:id',
        async ({ params, request }) => {
          const server = servers.get(params.id)
          const { id } = server
          // Gone from the machine before it is gone from the list.
          await operator.stop(id)
          deps.leaveIssuers(server)
          writes.remove(id)
          note(request, 'server.removed', server)
          return { removed: id }
        },
        { params: IdParams, body: Nothing },
      )
      .post(
        '/:id/consent',
        ({ params, body, request }) => {
          const server = writes.approve(params.id, body)
          note(request, 'consent.given', server, { by: body.givenBy })
          return serverView(server, deps)
        },
        { params: IdParams, body: ServerConsent },
      )
      .put(
        '/:id/values',
        async ({ params, body, request }) => {
          const consented = consents.of(servers.get(params.id)) !== null
          const server = writes.setValues(params.id, body.values)
          note(request, 'server.values', server, { inputs: body.values.map(({ id }) => id).join(', ') })
          const approved = consents.of(server) !== null
          if (consented && !approved) note(request, 'consent.withdrawn', server)
          // Who is told that it cannot run may rely on its processes being gone.
          if (!approved || deps.values.resolve(server).blocked) await operator.stop(server.id)
          return serverView(server, deps)
        },
        { params: IdParams, body: InputValues },
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
        async ({ params, request }) => {
          const server = servers.get(params.id)
          const { id } = server
          await operator.restart(id)
          note(request, 'server.restarted', server)
          return view(id)
        },
        { params: IdParams, body: Nothing },
      )
      .post(
        '/:id/stop',
        async ({ params, request }) => {
          const server = servers.get(params.id)
          const { id } = server
          await operator.stop(id)
          note(request, 'server.stopped', server)
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
          note(request, 'call.made', server, { tool: query.tool })
          const answer = await operator.call(server.spaceId, server.id, query.tool, args, request.signal)
          return new Response(new Uint8Array(answer), { headers: { 'content-type': 'application/json' } })
        },
        { params: IdParams, query: CallQuery, parse: 'none', response: t.Any() },
      )
  )
}
