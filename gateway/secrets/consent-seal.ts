import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Server } from '../domain/server'

type Sealed = Pick<Server, 'spaceId' | 'definition' | 'source' | 'inputs'>

/** Ties a consent to exactly what was shown: HMAC-SHA256 under a key that is not in the database. */
export interface ConsentSeal {
  seal(server: Sealed): string
  /** Compares in constant time. */
  matches(server: Sealed, seal: string): boolean
}

/** Part of what is sealed, so that a seal of another format or purpose never matches. */
const LABEL = 'mcpmux consent 1\n'

/** `key` is held, not copied. */
export function createConsentSeal(key: Uint8Array): ConsentSeal {
  const digest = (server: Sealed) =>
    createHmac('sha256', key)
      .update(LABEL)
      .update(canonical(shown(server)))
      .digest()
  return {
    seal: (server) => digest(server).toString('hex'),
    matches(server, seal) {
      const given = Buffer.from(seal)
      const wanted = Buffer.from(digest(server).toString('hex'))
      return given.length === wanted.length && timingSafeEqual(given, wanted)
    },
  }
}

/** Everything that decides what runs or is called. Secret inputs count by reference, the others with their value. */
const shown = ({ spaceId, definition, source, inputs }: Sealed) => ({
  spaceId,
  source,
  definition,
  inputs: Object.fromEntries(
    inputs.map(({ id, secret, value }) => [id, secret ? { secret } : { secret, value }]),
  ),
})

/** JSON with sorted keys and no spaces (RFC 8785 in spirit): one text per value, and one value per text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`)
      .join()}}`
  return JSON.stringify(value)
}
