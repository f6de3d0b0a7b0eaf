import { createHmac, timingSafeEqual } from 'node:crypto'
import { type ConsentForm, consentForm } from '../domain/consent-form'
import type { Server } from '../domain/server'

export type Sealed = Pick<Server, 'spaceId' | 'definition' | 'source' | 'inputs'>

/** What a seal says of a form: that it holds, or that it did once and was taken back. */
export type SealOf = 'consent' | 'former'

/** Ties a consent to exactly what was shown: HMAC-SHA256 under a key that is not in the database. */
export interface ConsentSeal {
  seal(server: Sealed): string
  /** Compares in constant time. */
  matches(server: Sealed, seal: string): boolean
  /** The same for a form as it is stored. */
  sealText(form: string, as: SealOf): string
  matchesText(form: string, as: SealOf, seal: string): boolean
}

/** Part of what is sealed, so that a seal of another format or purpose never matches. */
const labels: Record<SealOf, string> = {
  consent: 'mcpmux consent 1\n',
  former: 'mcpmux former consent 1\n',
}

/** `key` is held, not copied. */
export function createConsentSeal(key: Uint8Array): ConsentSeal {
  const digest = (form: string, as: SealOf) =>
    createHmac('sha256', key).update(labels[as]).update(form).digest('hex')
  const seal: ConsentSeal = {
    sealText: digest,
    matchesText(form, as, given) {
      const [is, wanted] = [Buffer.from(given), Buffer.from(digest(form, as))]
      return is.length === wanted.length && timingSafeEqual(is, wanted)
    },
    seal: (server) => digest(formText(server), 'consent'),
    matches: (server, given) => seal.matchesText(formText(server), 'consent', given),
  }
  return seal
}

/** What is approved, as it is sealed and stored. */
export const formText = (server: Sealed): string => canonical(consentForm(server))

/** A stored form whose seal was checked. */
export const readForm = (text: string): ConsentForm => JSON.parse(text) as ConsentForm

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
