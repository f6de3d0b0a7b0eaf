import { createAuthenticator } from '../auth/authenticate'
import { createKeyExpiry } from '../auth/key-expiry'
import { createKeyUsage } from '../auth/key-usage'
import { byGateway } from '../domain/audit'
import { GatewayError } from '../errors'
import type { GatewayOptions } from './options'
import { createDoor } from '../mcp/door'
import { openListener } from '../mcp/listener'
import { mergeInstructions } from '../policy/instructions'
import type { Pulse } from '../session/pulse'
import { version } from '../version'
import type { Foundation, Parts } from './foundation'
import type { OAuth } from './oauth'
import type { Policy, Requests } from './requests'
import type { Servers } from './servers'
import type { SignIn } from './sign-in'

/** What AI clients see, open. */
export type FrontDoor = Awaited<ReturnType<typeof openFrontDoor>>

export async function openFrontDoor(
  parts: Parts,
  { stores, events, runtime, tell, trail, fault }: Foundation,
  { views, questions, spaceOf }: Policy,
  { pool }: Servers,
  { router, states, sessions, listeners }: Requests,
  { doors, tokens }: SignIn,
  { callbacks }: Pick<OAuth, 'callbacks'>,
  pulse: Pulse,
  options: GatewayOptions,
) {
  const { settings, keys, clients } = stores
  const nameOf = (clientId: string): string => clients.list().find(({ id }) => id === clientId)?.name ?? ''
  const touch = (credentialId: string, at: number) => {
    keys.touch(credentialId, at)
    stores.signIns.touch(credentialId, at)
  }
  const usage = createKeyUsage({ touch, clients, runtime, report: fault })
  parts.defer(() => usage.close())
  const authenticator = createAuthenticator({
    ...{ keys, usage, runtime, events, tokens },
    refused({ why, identity }) {
      tell.wrongKey()
      const actor = identity ? ({ via: 'client', ...identity } as const) : byGateway
      trail.record({ action: 'auth.failed', actor, subject: why })
    },
  })
  parts.defer(() => authenticator.close())

  const door = createDoor({
    authenticator,
    sessions,
    pulse,
    listeners,
    route: router.route,
    bindingOf: router.bindingOf,
    states,
    release: pool.release,
    view: views.view,
    spaceOf,
    signIn: doors,
    callbacks,
    questions,
    instructions: mergeInstructions,
    settings: settings.read,
    runtime,
    version,
    report: fault,
    turnedAway: (code, subject) =>
      trail.record({ action: 'request.refused', actor: byGateway, subject, detail: { code } }),
  })
  parts.defer(events.on('client.revoked', (of) => door.cancel(new GatewayError('auth.invalid_key'), of)))
  parts.defer(events.on('key.ended', door.endStreams))
  const expiry = createKeyExpiry({
    ...{ keys, events, runtime },
    ended: ({ clientId, hint }) =>
      trail.record({
        action: 'key.expired',
        actor: byGateway,
        clientId,
        subject: `${nameOf(clientId)} …${hint}`,
      }),
  })
  parts.defer(() => expiry.close())
  parts.defer(pulse.onBeat(expiry.turn))
  const listener = await openListener({
    host: options.host ?? settings.read('host'),
    port: options.port ?? settings.read('port'),
    handler: door.handler,
    report: fault,
  })
  parts.defer(() => listener.stop())
  parts.defer(() => door.close())
  return {
    door,
    listener,
    mcpUrl: `http://127.0.0.1:${listener.port}/mcp`,
    signInUrl: () =>
      settings.read('auth.discovery') === 'on' ? `http://localhost:${listener.port}/mcp` : null,
  }
}
