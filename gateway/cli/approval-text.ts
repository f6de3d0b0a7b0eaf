import type { ApprovalView } from '../admin/approvals'
import { systemRuntime } from '../runtime'
import { plural } from './output'

/** Everything a person should know before an approval, line by line. */
export function approvalLines(approval: ApprovalView): string[] {
  const { name, code, receiver, redirectUri, client, namesake, documentHost } = approval
  const minutes = Math.max(1, Math.round((approval.expiresAt - systemRuntime.now()) / 60_000))
  const lines = [
    `A program that calls itself "${name}" wants to use McpMux:`,
    `  code      ${code}, which must be what the page in your browser shows`,
    `  answer    goes to ${receiver} (${redirectUri})`,
    documentHost === null
      ? '  proof     none: it described itself, and any program of this machine could have'
      : `  proof     a document at ${documentHost}; any program of this machine could have named it`,
    `  waits     ${plural(minutes, 'more minute')}`,
  ]
  if (client)
    lines.push(`  known     as client "${client.name}", and keeps its rights unless you give others`)
  else if (namesake)
    lines.push(
      `  notice    there is a client "${namesake.name}" already; this may be another program. It becomes a client of its own unless you say --client "${namesake.name}"`,
    )
  return lines
}
