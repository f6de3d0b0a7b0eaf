import type { Status } from '../admin/status'
import { must } from './client'
import { type Command, exit } from './command'
import { plural, safe, show, stateWord, table } from './output'
import { vaultLines } from './vault-lines'
import { parse, words } from './usage'

/** Withheld names of one server that are spelled out. */
const SHOWN_NAMES = 5

const help = `Usage: mcpmux status [--data-dir D] [--json]

Says where the gateway listens, what its servers are doing and what is missing.`

/** One line for each pair of servers that want the same names; a few of the names say which they are. */
function withheld(status: Status): string[] {
  const pairs = Map.groupBy(status.withheld, ({ serverId, keptBy }) => JSON.stringify([serverId, keptBy]))
  return [...pairs.values()].map((some) => {
    const [first] = some
    const names = some.slice(0, SHOWN_NAMES).map(({ name }) => safe(name))
    const more = some.length > names.length ? ` and ${some.length - names.length} more` : ''
    return `withheld  ${names.join(', ')}${more} of ${safe(first?.server ?? '')}: taken by ${safe(first?.keptBy ?? '')}; give one of them a prefix`
  })
}

/** How many servers offer something else than before, and where to look. */
function changes({ changes }: Status): string[] {
  if (changes.length === 0) return []
  const sum = (which: 'withheld' | 'noted') => changes.reduce((total, server) => total + server[which], 0)
  const names = changes.slice(0, SHOWN_NAMES).map(({ server }) => safe(server))
  const more = changes.length > names.length ? ` and ${changes.length - names.length} more` : ''
  return [
    `changes   ${plural(changes.length, 'server')} changed what ${changes.length === 1 ? 'it offers' : 'they offer'} (${names.join(', ')}${more}): ` +
      `${sum('withheld')} withheld, ${sum('noted')} let through; see "mcpmux pins"`,
  ]
}

/** Nothing while all is as it should be. */
const sessionKeyLines = ({ what, todo }: Status['sessionKey']): string[] =>
  todo === null ? [] : [`          ${safe(what)}`, `          ${safe(todo)}`]

function text(status: Status): string {
  const lines = [
    `McpMux ${status.version} is running (process ${status.pid})`,
    `endpoint  ${status.mcpUrl}`,
    ...(status.signInUrl === null ? [] : [`sign-in   ${status.signInUrl} (for clients without a key)`]),
    `admin     ${status.adminUrl}`,
    `Space     ${safe(status.space.name)}`,
    `sessions  ${status.sessions.length}`,
    ...sessionKeyLines(status.sessionKey),
    ...vaultLines(status.vault),
    status.consentKeyIn === 'file'
      ? 'consents  checked with a key in a file of the data folder, because the vault is not open'
      : 'consents  checked with a key in the vault',
  ]
  if (status.approvals.length > 0) {
    const who = status.approvals.map(({ name, code }) => `${code} "${safe(name)}"`).join(', ')
    lines.push(
      `waiting   ${plural(status.approvals.length, 'client')} for your approval: ${who}; see "mcpmux approve --list"`,
    )
  }
  if (status.clients.length === 0)
    lines.push('clients   none yet; "mcpmux key create CLIENT" makes one, and its key')
  for (const { name, remark } of status.clients)
    if (remark) lines.push(`client    ${safe(name)} ${safe(remark)}`)
  lines.push(...withheld(status))
  lines.push(...changes(status))
  for (const { table, id, what } of status.unreadable)
    lines.push(
      id ? `unread    ${safe(`${table} ${id}: ${what}`)}; left out` : `damaged   ${safe(`${table} ${what}`)}`,
    )
  const rows = status.servers.map((server) => [
    server.space,
    server.name,
    stateWord(server.state),
    String(server.tools),
    server.missing ?? '',
  ])
  lines.push(
    '',
    rows.length > 0
      ? table(['SPACE', 'SERVER', 'STATE', 'TOOLS', 'REMARK'], rows)
      : 'no servers yet; add one with "mcpmux add NAME -- COMMAND"',
  )
  return lines.join('\n')
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, {})
    words(positionals)
    const { io, admin } = open(values['data-dir'])
    const status = await must(admin.api.status.get())
    await show(io, values.json, status, () => text(status))
    return exit.ok
  },
}
