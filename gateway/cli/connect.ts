import type { ServerView } from '../admin/server-view'
import { wayToGive } from '../domain/missing-values'
import type { ErrorCode } from '../errors'
import { systemRuntime } from '../runtime'
import { type AdminClient, must } from './client'
import { type Context, exit } from './command'
import { waitsForPerson } from './failure'
import { signInRemark } from './login-text'
import { plural, safe, show, stateWord } from './output'

/** Failures of a program that its own words may explain. */
const wroteSomething: readonly ErrorCode[] = ['upstream.lost', 'upstream.timeout', 'upstream.garbage']

/**
 * What came of connecting once, for the person; the exit code says it to scripts. `added`: by the command that says it,
 * so that a server that is not connected is there all the same.
 */
export function outcome(
  server: ServerView,
  { added = false }: { added?: boolean } = {},
): { line: string; code: number } {
  const { name, called, state, features, definition } = server
  if (state.status === 'ready' || state.status === 'idle') {
    const counts = [
      plural(features.tool, 'tool'),
      ...(features.prompt ? [plural(features.prompt, 'prompt')] : []),
      ...(features.resource ? [plural(features.resource, 'resource')] : []),
    ]
    return { line: `${safe(name)}: ${counts.join(', ')}`, code: exit.ok }
  }
  const cut = state.status === 'connecting'
  const why =
    state.status === 'failed'
      ? `${state.message} (${state.code})`
      : cut
        ? 'the gateway stopped before the server answered'
        : stateWord(state)
  const remark = signInRemark(server)
  // It says the same, and what to do.
  const said = state.status === 'needs_authorization' && remark !== null ? '' : `: ${safe(why)}`
  const lines = [`${safe(name)} is ${added ? 'added, but ' : ''}not connected${said}`]
  if (state.status === 'failed' && state.code === 'upstream.http_error' && definition.type === 'http')
    lines.push(
      URL.parse(definition.url)?.pathname === '/'
        ? '  most servers are at a path of their address, such as /mcp'
        : '  an older server may need --transport sse',
    )
  if (state.status === 'failed' && definition.type === 'stdio' && wroteSomething.includes(state.code))
    lines.push(`  what it wrote: "mcpmux logs ${called.words}"`)
  if (state.status === 'needs_input') {
    lines.push(
      ...state.missing.map((lacking) => `  ${safe(lacking)}: ${safe(wayToGive(lacking, called))}`),
      `  to give up: "mcpmux remove ${called.words}"`,
    )
    return { line: lines.join('\n'), code: exit.needsPerson }
  }
  const refused = state.status === 'failed' && state.code === 'upstream.credentials_refused'
  if (refused)
    lines.push(
      `  give others with "mcpmux credentials set ${called.words} ID"; "mcpmux credentials ${called.words}" names them`,
    )
  lines.push(
    remark === null
      ? `  when that is mended: "mcpmux restart ${called.words}"; to give up: "mcpmux remove ${called.words}"`
      : `  ${remark}`,
  )
  const failed = cut || (state.status === 'failed' && !waitsForPerson(state))
  return { line: lines.join('\n'), code: failed ? exit.failure : exit.needsPerson }
}

/** Connects a server, so that what it offers is known. */
export const connectOnce = (admin: AdminClient, id: string): Promise<ServerView> =>
  must(admin.api.servers({ id }).connect.post({}))

/** From then on a person would wonder whether anything happens. */
const PATIENCE_MS = 2000

/** Connects a new server, and says so where that takes long. */
export async function connectAdded({ io, admin }: Context, server: ServerView): Promise<ServerView> {
  const { id, name, definition } = server
  const why = definition.type === 'stdio' ? '; a first start may have to download it' : ''
  const done = new AbortController()
  systemRuntime
    .sleep(PATIENCE_MS, done.signal)
    .then(() => io.talk(`connecting ${safe(name)}${why} …`))
    .catch(() => undefined)
  try {
    return await connectOnce(admin, id)
  } finally {
    done.abort()
  }
}

const canBeRead = ({ enabled, consent, state }: ServerView): boolean =>
  enabled && consent !== null && ['idle', 'connecting', 'ready', 'failed'].includes(state.status)

/**
 * What came of the first connection of an approved server that was not read yet before it was given what it waited for; null for any
 * other. The gateway may connect it by itself, so it may be on its way, or done.
 */
export const connectUnread = async (
  admin: AdminClient,
  before: ServerView | undefined,
  now: ServerView,
): Promise<ServerView | null> =>
  before?.refreshedAt === null && canBeRead(now) ? connectOnce(admin, now.id) : null

/** Says how a server is that was let go on; one that was never read is connected once for that. Gives the exit code. */
export async function settle(
  { io, admin }: Context,
  before: ServerView,
  server: ServerView,
  json: boolean | undefined,
): Promise<number> {
  const connected = await connectUnread(admin, before, server)
  if (connected) {
    const { line, code } = outcome(connected)
    if (json || code === exit.ok) await show(io, json, connected, () => line)
    if (code !== exit.ok) io.talk(line)
    return code
  }
  await show(io, json, server, () => `${safe(server.name)}: ${stateWord(server.state)}`)
  const remark = signInRemark(server)
  if (remark !== null) io.talk(remark)
  return waitsForPerson(server.state) ? exit.needsPerson : exit.ok
}

/** What of a server clients do not get, in lines for the person. */
export async function withheldNotices(admin: AdminClient, serverId: string): Promise<string[]> {
  const { withheld, changes } = await must(admin.api.status.get())
  const hidden = withheld.filter((one) => one.serverId === serverId).length
  const held = changes.find((one) => one.serverId === serverId)?.withheld ?? 0
  return [
    ...(hidden > 0
      ? [`  notice   ${plural(hidden, 'name')} taken by other servers, so withheld: see "mcpmux status"`]
      : []),
    ...(held > 0
      ? [`  notice   ${plural(held, 'definition')} with hidden text, so withheld: see "mcpmux pins"`]
      : []),
  ]
}
