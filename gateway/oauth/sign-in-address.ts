import type { Server } from '../domain/server'
import { GatewayError } from '../errors'

/** The address of a server that may have a sign-in. Throws `oauth.not_offered`. */
export function signInUrl({ definition }: Pick<Server, 'definition'>): URL {
  if (definition.type === 'stdio')
    throw new GatewayError('oauth.not_offered', 'it is a process of this machine')
  if (Object.keys(definition.headers).some((name) => name.toLowerCase() === 'authorization'))
    throw new GatewayError('oauth.not_offered', 'it is sent an Authorization header of its own')
  if (!URL.canParse(definition.url)) throw new GatewayError('input.invalid', 'its address is no URL')
  const url = new URL(definition.url)
  url.hash = ''
  return url
}

/** As `signInUrl`, as text; null where there is no sign-in. */
export function signInAddress(server: Pick<Server, 'definition'>): string | null {
  try {
    return signInUrl(server).href
  } catch {
    return null
  }
}
