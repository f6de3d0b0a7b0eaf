import type { SealedValue } from '../admin/sealed-value'
import { safe } from './output'

const ofServer = ({ server, space }: SealedValue): string =>
  server === null ? 'of a server that is gone' : `of ${safe(server)} (${safe(space ?? '?')})`
const ofSpace = ({ space }: SealedValue): string =>
  space === null ? 'of a Space that is gone' : `of the Space ${safe(space)}`
const called = (what: string, { name }: SealedValue): string => (name ? `${what} ${safe(name)}` : what)
const at = ({ name }: SealedValue): string => (name ? ` at ${safe(name)}` : '')

/** By table, what a person calls a value of it. */
const texts = new Map<string, (value: SealedValue) => string>([
  ['credentials', (value) => `${called('value', value)} ${ofServer(value)}`],
  ['space_secrets', (value) => `${called('secret', value)} ${ofSpace(value)}`],
  ['oauth_registrations', (value) => `client id ${ofServer(value)}${at(value)}`],
  ['oauth_tokens', (value) => `sign-in ${ofServer(value)}${at(value)}`],
  ['oauth_flows', (value) => `sign-in under way ${ofServer(value)}`],
  ['vault_secrets', (value) => `${called('key', value)} of McpMux itself`],
])

/** Which value it is, in the words of a person. */
export function sealedText(value: SealedValue): string {
  const text = texts.get(value.table)
  // An export of a newer version may have tables that are not known here.
  return text
    ? text(value)
    : `${safe(value.table)} ${value.server === null ? ofSpace(value) : ofServer(value)}`
}
