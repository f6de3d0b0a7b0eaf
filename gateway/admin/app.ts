import { Elysia } from 'elysia'
import { GatewayError } from '../errors'
import { auditRoutes } from './audit'
import { approvalRoutes } from './approvals'
import { clientRoutes } from './clients'
import { consentRoutes } from './consents'
import { credentialRoutes } from './credentials'
import type { AdminDeps } from './deps'
import { effectiveRoutes } from './effective'
import { eventRoutes } from './events'
import { flowRoutes } from './flows'
import { problemResponse, toAdminError } from './failures'
import { grantRoutes } from './grants'
import { keyRoutes } from './keys'
import { loginRoutes } from './logins'
import { logRoutes } from './logs'
import { pinPolicyRoutes } from './pin-policies'
import { pinRoutes } from './pins'
import { quitRoutes } from './quit'
import { serverRoutes } from './servers'
import { setRoutes } from './sets'
import { settingRoutes } from './settings'
import { signInRoutes } from './sign-ins'
import { spaceQuestionRoutes } from './space-questions'
import { spaceSecretRoutes } from './space-secrets'
import { spaceRoutes } from './spaces'
import { statusRoutes } from './status'
import { toolRoutes } from './tools'
import { vaultRoutes } from './vault'

/**
 * The admin API as one application, without a door: the control socket and the admin listener each put theirs in
 * front. Failures are `{ code, message }`; causes of `internal` go to `onInternal` and nowhere else.
 */
export const adminApi = (deps: AdminDeps, onInternal: (cause: unknown) => void = () => {}) =>
  new Elysia({ normalize: false })
    .onError(({ code, error }) => {
      const known = toAdminError(code, error)
      if (known.code === 'internal') onInternal(known.cause)
      return problemResponse(known)
    })
    // A form or plain text would be parsed too, and needs no preflight in a browser.
    .onRequest(({ request }) => {
      if (request.method === 'GET' || request.body === null) return
      const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
      if (type !== 'application/json') throw new GatewayError('http.unsupported_media_type')
    })
    .use(statusRoutes(deps))
    .use(spaceRoutes(deps))
    .use(spaceQuestionRoutes(deps))
    .use(serverRoutes(deps))
    .use(credentialRoutes(deps))
    .use(spaceSecretRoutes(deps))
    .use(loginRoutes(deps))
    .use(flowRoutes(deps))
    .use(consentRoutes(deps))
    .use(pinRoutes(deps))
    .use(pinPolicyRoutes(deps))
    .use(setRoutes(deps))
    .use(effectiveRoutes(deps))
    .use(grantRoutes(deps))
    .use(clientRoutes(deps))
    .use(keyRoutes(deps))
    .use(approvalRoutes(deps))
    .use(signInRoutes(deps))
    .use(toolRoutes(deps))
    .use(settingRoutes(deps))
    .use(vaultRoutes(deps))
    .use(eventRoutes(deps))
    .use(logRoutes(deps))
    .use(auditRoutes(deps))
    .use(quitRoutes(deps))

export type AdminApi = ReturnType<typeof adminApi>
