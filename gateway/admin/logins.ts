import { cleanUrl } from '../browser/clean-url'
import type { Opened } from '../browser/open-browser'
import { GatewayError } from '../errors'
import { Secret } from '../secrets/secret'
import type { AdminDeps } from './deps'
import { type FlowView, flowView } from './flow-view'
import { LoginBody, RegistrationBody } from './login-schemas'
import { resource } from './resource'
import { IdParams, Nothing } from './schemas'
import { type ServerView, serverView } from './server-view'

/** A sign-in that began, or was there. */
export interface Login extends FlowView {
  /** What became of the browser; `recently`: one was opened a moment ago; null when none was asked for. */
  browser: Opened['outcome'] | 'recently' | null
}

/** A server without its sign-in. */
export interface Logout {
  server: ServerView
  /** Whose tokens they were; null when there were none. */
  issuer: string | null
  /** False when the issuer could not be told, or does not take it: tokens that somebody copied count until they run out. */
  revoked: boolean
}

/** Signing in at servers, and out. */
export function loginRoutes(deps: AdminDeps) {
  const { servers, flows, logins, clientIds, registrations, openBrowser, record } = deps

  async function browserOf(flowId: string): Promise<Login['browser']> {
    const url = flows.browserFor(flowId)
    return url === null ? 'recently' : (await openBrowser(url)).outcome
  }

  /** One whose tokens are on their way counts too: they would be stored after the person was told that it is over. */
  function cancelAll(serverId: string): void {
    for (const { id, phase } of flows.list(serverId))
      if (phase === 'waiting' || phase === 'received') flows.cancel(id)
  }

  return resource('/servers')
    .post(
      '/:id/login',
      async ({ params, body, request }): Promise<Login> => {
        const { id, spaceId, name } = servers.get(params.id)
        const before = flows.list(id)
        const flow = await flows.begin(id, body?.scope === undefined ? {} : { scope: body.scope })
        const unfit = flow.url === null ? null : cleanUrl(flow.url).refused
        if (unfit !== null) {
          flows.cancel(flow.id)
          throw new GatewayError('oauth.metadata', `the address of its page is not opened: ${unfit}`)
        }
        if (!before.some((known) => known.id === flow.id))
          record(request, {
            action: 'login.begun',
            ...{ spaceId, serverId: id, subject: name },
            detail: { issuer: flow.issuer, scope: flow.scope ?? '' },
          })
        return { ...flowView(flow), browser: body?.open ? await browserOf(flow.id) : null }
      },
      { params: IdParams, body: LoginBody },
    )
    .put(
      '/:id/registration',
      ({ params, body, request }): ServerView => {
        const server = servers.get(params.id)
        const { id, spaceId, name } = server
        const { clientId, clientSecret, issuer } = body
        clientIds.give(server, {
          clientId,
          clientSecret: clientSecret === undefined ? null : new Secret(clientSecret),
          ...(issuer === undefined ? {} : { issuer }),
        })
        // One that is under way goes by another client id.
        cancelAll(id)
        record(request, {
          action: 'server.changed',
          ...{ spaceId, serverId: id, subject: name, detail: { what: 'client id' } },
        })
        return serverView(server, deps)
      },
      { params: IdParams, body: RegistrationBody },
    )
    .delete(
      '/:id/registration',
      ({ params, request }): ServerView => {
        const server = servers.get(params.id)
        const { id, spaceId, name } = server
        for (const { issuer, kind } of registrations.list(id))
          if (kind === 'given') clientIds.remove(id, issuer)
        cancelAll(id)
        record(request, {
          action: 'server.changed',
          ...{ spaceId, serverId: id, subject: name, detail: { what: 'client id' } },
        })
        return serverView(server, deps)
      },
      { params: IdParams, body: Nothing },
    )
    .post(
      '/:id/logout',
      async ({ params, request }): Promise<Logout> => {
        const server = servers.get(params.id)
        const { id, spaceId, name } = server
        cancelAll(id)
        const issuer = logins.of(server)?.issuer ?? null
        const revoked = await logins.forget(server)
        if (issuer !== null)
          record(request, {
            action: 'logout.done',
            ...{ spaceId, serverId: id, subject: name },
            detail: { issuer, revoked },
          })
        return { server: serverView(server, deps), issuer, revoked }
      },
      { params: IdParams, body: Nothing },
    )
}
