import { createActors } from '../admin/actors'
import { adminApi } from '../admin/app'
import { openAdminListener } from '../admin/listener'
import type { Operator } from '../admin/operator'
import { createOpenBrowser } from '../browser/open-browser'
import type { Libc } from '../control/libc'
import { controlPath } from '../control/path'
import { executableReader } from '../control/process-info'
import { openControlSocket } from '../control/socket'
import { toGatewayError } from '../errors'
import { version } from '../version'
import type { Foundation, Parts } from './foundation'
import type { FrontDoor } from './front-door'
import type { OAuth } from './oauth'
import type { Policy, Requests } from './requests'
import type { Servers } from './servers'
import type { SignIn } from './sign-in'

/** Opens the two doors of the admin API. Gives the address of the listener. */
export function openAdminDoors(
  parts: Parts,
  foundation: Foundation,
  { views, lean, questions, spaceOf }: Policy,
  { processes, pool }: Servers,
  { operatorCalls, sessionKeys, sessions }: Requests,
  { decisions, signIns }: SignIn,
  { flows, tokens: logins, stateOf: signInStateOf, registrations: clientIds, withdraw }: OAuth,
  { mcpUrl, signInUrl }: FrontDoor,
  { libc, quit }: { libc: Libc; quit: () => void },
): string {
  const { config, runtime, startedAt, redactor, journal, tell, trail, fault } = foundation
  const { stores, events, vault, secrets, namedSecrets, values, consents, pins, called } = foundation
  const operator: Operator = {
    states: pool.states,
    async connect(serverId, signal) {
      const thrown = await pool.connect(serverId, signal).then(() => null, toGatewayError)
      const state = pool.states().get(serverId) ?? { status: 'idle' }
      // Stopped or removed meanwhile: the state at rest would look like a success.
      if (thrown && !signal?.aborted && (state.status === 'idle' || state.status === 'connecting'))
        throw thrown
      return state
    },
    restart: pool.restart,
    stop: pool.stop,
    call: operatorCalls.call,
  }
  let adminUrl = ''
  const actors = createActors()
  const admin = adminApi(
    {
      ...stores,
      called,
      runtime,
      events,
      secrets,
      namedSecrets,
      values,
      vault,
      consents,
      consentRows: stores.consents,
      pins,
      sessionKeys,
      decisions,
      endSignIn: signIns.revoke,
      flows,
      logins,
      signInStateOf,
      clientIds,
      leaveIssuers: (server) => void withdraw(server).catch(fault),
      openBrowser: createOpenBrowser({
        environment: config.environment,
        platform: config.platform,
        runtime,
      }),
      views,
      lean,
      questions,
      spaceOf,
      operator,
      info: () => ({
        version,
        pid: process.pid,
        startedAt,
        mcpUrl,
        adminUrl,
        signInUrl: signInUrl(),
        sessions: [...sessions.list()].map(({ facts, lastSeen }) => ({
          clientId: facts.clientId,
          clientInfo: facts.clientInfo,
          protocolVersion: facts.protocolVersion,
          lastSeenAt: lastSeen,
        })),
      }),
      problems: stores.db.problems,
      logs: journal,
      trail,
      record: (request, entry) => trail.record({ ...entry, actor: actors.of(request) }),
      quit,
    },
    fault,
  )
  const app = actors.behindDoor(admin)
  const listener = parts.use(
    openAdminListener({
      runtime,
      app,
      audit: ({ method, path }) => tell.change(method, path, null),
    }),
  )
  adminUrl = listener.url
  parts.use(redactor.hold([listener.token]))
  parts.use(
    openControlSocket({
      path: controlPath(config),
      app,
      libc,
      isOurDescendant: processes.trees.owns,
      executableOf: executableReader(config.platform),
      audit: ({ method, path, pid, executable }) => tell.change(method, path, { pid, executable }),
    }),
  )
  return adminUrl
}
