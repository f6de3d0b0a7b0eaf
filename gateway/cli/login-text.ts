import type { FlowView } from '../admin/flow-view'
import type { ServerView } from '../admin/server-view'
import { signInReasons } from '../domain/authorization'
import { visibleWord } from '../domain/visible-text'
import { safe } from './output'

/** What a person has to do so that a server takes them, with the reason; null for nothing. */
export function signInRemark({ name, alias, signInNeed }: ServerView): string | null {
  if (signInNeed === null) return null
  return `sign-in needed: mcpmux login ${visibleWord(alias || name)} (${signInReasons[signInNeed]})`
}

/** The host a person will be asked by, and what to notice about its name. */
function issuerLines(issuer: string): string[] {
  const host = URL.canParse(issuer) ? new URL(issuer).host : safe(issuer)
  const lines = [`  at       ${safe(host)}`]
  if (host.split('.').some((label) => label.startsWith('xn--')))
    lines.push(
      '  notice   this name has letters of other alphabets, and may look like another name in the browser',
    )
  return lines
}

/** What a sign-in asks for, before the browser opens. */
export function loginLines(server: Pick<ServerView, 'name'>, flow: FlowView): string[] {
  const { scope, addedScope } = flow
  const asked = scope === null ? 'what the server gives by default' : safe(scope)
  return [
    `Sign-in for ${safe(server.name)}`,
    ...issuerLines(flow.issuer),
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
