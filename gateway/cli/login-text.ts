import type { FlowView } from '../admin/flow-view'
import type { ServerView } from '../admin/server-view'
import { safe } from './output'

/** What a person has to do so that a server takes them, with the reason; null for nothing. */
export const signInRemark = ({ signInNeed, missing }: ServerView): string | null =>
  signInNeed === null ? null : missing

const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).host : safe(address))

/** A name with letters of other alphabets, in the form that is sent over the network (RFC 5890). */
const isEncoded = (host: string): boolean => host.split('.').some((label) => label.startsWith('xn--'))

/** Who will ask the person, where its page is, and what to notice about their names. */
function placeLines(issuer: string, page: string | null): string[] {
  const host = hostOf(issuer)
  const pageHost = page === null ? host : hostOf(page)
  return [
    `  at       ${safe(host)}`,
    ...(pageHost === host ? [] : [`  notice   its page is somewhere else: ${safe(pageHost)}`]),
    ...(isEncoded(host) || isEncoded(pageHost)
      ? ['  notice   this name has letters of other alphabets, and may look like another name in the browser']
      : []),
  ]
}

/** What a sign-in asks for, before the browser opens. */
export function loginLines(server: Pick<ServerView, 'name'>, flow: FlowView): string[] {
  const { scope, addedScope } = flow
  const asked = scope === null ? 'what the server gives by default' : safe(scope)
  return [
    `Sign-in for ${safe(server.name)}`,
    ...placeLines(flow.issuer, flow.url),
    `  rights   ${asked}`,
    ...(addedScope === null ? [] : [`  new      ${safe(addedScope)}`]),
    ...(flow.url === null ? [] : [`  page     ${flow.url}`]),
  ]
}

/** How a sign-in ended, for the person. */
export function endLines({ phase, error, detail }: FlowView): string[] {
  switch (phase) {
    case 'cancelled':
      return [
        detail === null ? 'the sign-in was cancelled' : `mcpmux: ${safe(detail)} (${error ?? 'cancelled'})`,
      ]
    case 'expired':
      return ['nobody signed in within ten minutes; repeat the command for a new page']
    case 'failed':
      return [`mcpmux: ${safe(detail ?? 'the sign-in failed')} (${error ?? 'internal'})`]
    default:
      return []
  }
}
