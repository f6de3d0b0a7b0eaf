import type { AuditPage, AuditView } from '../admin/audit'
import type { AuditCheck } from '../logs/audit'
import { auditActions } from '../domain/audit'
import { GatewayError } from '../errors'
import { type AdminClient, must } from './client'
import { type Command, type Context, exit } from './command'
import { ask, eventsOf } from './event-stream'
import { findServer, findSpace } from './find'
import { nearest } from './nearest'
import { plural, safe, safeJson, show, when } from './output'
import { readSince } from './time'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux audit [-f] [options] [--data-dir D] [--json]
       mcpmux audit check

Prints who did what, and what was refused: the newest entries, the newest last. "check" looks whether the record is
whole: nothing missing, nothing changed.

  --since T      not older than 30s, 10m, 2h or 3d, or than a time such as 2026-11-03T12:00Z
  --action A     one action, or all that begin alike: key.rotated, key.*, call.refused
  --client C     about this client, or by it
  --space S      in this Space
  --server X     about this server (of --space S, else of the active Space)
  -n, --lines N  so many entries, at most 100000; default: 100
  -f, --follow   go on with entries as they come, until Ctrl-C
  --json         the entries as JSON, one on each line`

const options = {
  since: { type: 'string' },
  action: { type: 'string' },
  client: { type: 'string' },
  space: { type: 'string' },
  server: { type: 'string' },
  lines: { type: 'string', short: 'n' },
  follow: { type: 'boolean', short: 'f' },
} as const
type Values = ReturnType<typeof parse<typeof options>>['values']

const MOST = 100_000
const PAGE = 1000

function readCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > MOST)
    throw new UsageError(`--lines is a number from 1 to ${MOST}`)
  return count
}

/** Nothing is found for one that is mistyped, which would read as "it never happened". */
function readAction(wanted: string): string {
  const alike = wanted.endsWith('*') ? wanted.slice(0, -1) : null
  if (auditActions.some((action) => (alike === null ? action === wanted : action.startsWith(alike))))
    return wanted
  const meant = nearest(wanted, auditActions)
  throw new UsageError(`there is no action "${wanted}"${meant === null ? '' : `; did you mean ${meant}?`}`)
}

/** Names for ids; what is gone is named by its id. */
async function filterOf(admin: AdminClient, values: Values): Promise<Record<string, string>> {
  const orItself = (wanted: string) => (error: unknown) => {
    const gone = error instanceof GatewayError && /^(space|server)\.unknown$/.test(error.code)
    // An id as the trail has it.
    if (gone && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(wanted)) return { id: wanted }
    throw error
  }
  const { since, action, client, space, server } = values
  const query: Record<string, string> = {}
  if (since !== undefined) query.since = String(readSince(since, '--since'))
  if (action !== undefined) query.action = readAction(action)
  if (client !== undefined) {
    const all = await must(admin.api.clients.get())
    const known = all.find(({ name, id }) => id === client || name.toLowerCase() === client.toLowerCase())
    query.client = known?.id ?? client
  }
  if (space !== undefined) query.space = (await findSpace(admin, space).catch(orItself(space))).id
  if (server !== undefined) query.server = (await findServer(admin, server, space).catch(orItself(server))).id
  return query
}

/** Up to so many entries, the oldest first, and the newest number there is. */
async function read(admin: AdminClient, query: Record<string, string>, count: number) {
  const found: AuditView[] = []
  let newest = 0
  let before: Record<string, string> = {}
  for (let left = count; left > 0; left = count - found.length) {
    const limit = String(Math.min(PAGE, left))
    const page = (await (await ask(admin, '/audit', { ...query, ...before, limit })).json()) as AuditPage
    found.push(...page.entries)
    newest ||= page.newest
    if (page.next === null) break
    before = { before: String(page.next) }
  }
  return { entries: found.reverse(), newest }
}

/** Facts that a person cannot place are left to `--json`. */
const hidden = new Set(['key', 'by'])

function text(entry: AuditView): string {
  const facts = Object.entries(entry.detail ?? {})
    .filter(([name]) => !hidden.has(name))
    .map(([name, value]) => `${name}=${value}`)
  const about = [entry.server, entry.client].filter((name) => name !== null && !entry.subject?.includes(name))
  const words = [
    ...(entry.subject === undefined ? [] : [entry.subject]),
    ...about,
    ...(entry.space === null || entry.subject === entry.space ? [] : [`in ${entry.space}`]),
    ...facts,
  ]
  const many = entry.count > 1 ? ` ×${entry.count}` : ''
  return safe(
    `${when(entry.at)} ${entry.action.padEnd(17)} ${words.join(' ')}${many} by ${entry.by}`.replace(
      /  +by /,
      ' by ',
    ),
  )
}

async function follow({ io, admin }: Context, query: Record<string, string>, json: boolean): Promise<void> {
  const answer = await ask(admin, '/audit/stream', query)
  for await (const { type, data } of eventsOf(answer))
    if (type === 'entry') await io.out(json ? safeJson(data) : text(JSON.parse(data) as AuditView))
}

async function check({ io, admin }: Context, json: boolean | undefined): Promise<number> {
  const found = await must<AuditCheck>(admin.api.audit.check.get())
  const kept = found.last === 0 ? 0 : found.last - found.first + 1
  await show(io, json, found, () =>
    found.broken === null
      ? `whole: ${plural(kept, 'entry', 'entries')}, nothing missing or changed`
      : `not whole: entry ${found.broken} is missing or not as it was written`,
  )
  return found.broken === null ? exit.ok : exit.failure
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    if (positionals[0] === 'check') {
      words(positionals.slice(1))
      return check(open(values['data-dir']), values.json)
    }
    words(positionals)
    const count = readCount(values.lines ?? '100')
    const context = open(values['data-dir'])
    const { io, admin } = context
    const query = await filterOf(admin, values)
    const { entries, newest } = await read(admin, query, count)
    for (const entry of entries) await io.out(values.json ? safeJson(JSON.stringify(entry)) : text(entry))
    if (values.follow) await follow(context, { ...query, after: String(newest) }, values.json === true)
    else if (entries.length === 0) io.talk('no entries')
    return exit.ok
  },
}
