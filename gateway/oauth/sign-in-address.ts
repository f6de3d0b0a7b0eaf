import type { Server } from '../domain/server'
import { signInUrl } from './begin'

/** As `signInUrl`, as text; null where there is no sign-in. */
export function signInAddress(server: Pick<Server, 'definition'>): string | null {
  try {
    return signInUrl(server).href
  } catch {
    return null
  }
}
