import { calculatePKCECodeChallenge } from 'oauth4webapi'
import type { IssuerMetadata } from '../domain/authorization'
import { Secret } from '../secrets/secret'
import type { Runtime } from '../runtime'

/** What one sign-in is made of besides names; good for it alone. */
export interface FlowSecrets {
  /** 256 bits each, as base64url. */
  state: Secret
  verifier: Secret
}

const freshText = (runtime: Pick<Runtime, 'randomBytes'>): Secret => {
  const bytes = runtime.randomBytes(32)
  const text = new Secret(Buffer.from(bytes).toString('base64url'))
  bytes.fill(0)
  return text
}

export const freshSecrets = (runtime: Pick<Runtime, 'randomBytes'>): FlowSecrets => ({
  state: freshText(runtime),
  verifier: freshText(runtime),
})

/**
 * The address for the browser (OAuth 2.1, section 4.1.1; RFC 7636; RFC 8707). Each of our parameters is in it once, whatever
 * the endpoint brought along.
 */
export async function authorizationUrl(request: {
  metadata: IssuerMetadata
  clientId: string
  redirectUri: string
  resource: string
  scope: string | null
  secrets: FlowSecrets
}): Promise<Secret> {
  const { metadata, clientId, redirectUri, resource, scope, secrets } = request
  const url = new URL(metadata.authorizationEndpoint)
  const parameters: Record<string, string | null> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: await calculatePKCECodeChallenge(secrets.verifier.reveal()),
    code_challenge_method: 'S256',
    state: secrets.state.reveal(),
    resource,
    scope,
    // Without it OpenID providers leave the wish to stay signed in unheard (OpenID Connect Core 1.0, section 11).
    prompt: scope?.split(' ').includes('offline_access') === true ? 'consent' : null,
  }
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  return new Secret(url.href)
}
