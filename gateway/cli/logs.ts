import { join } from 'node:path'
import { readConfig } from '../config'
import {
  asLine,
  type LineLevel,
  type LineSource,
  lineLevels,
  lineSources,
  type LogLine,
  parseLine,
} from '../domain/log'
import { GatewayError } from '../errors'
import { createLogFolder } from '../logs/log-folder'
import { readLogs } from '../logs/log-reader'
import { type AdminClient, must } from './client'
import { type Command, exit } from './command'
import { ask, eventsOf } from './event-stream'
import { findServer } from './find'
import type { Io } from './io'
import { safe, safeJson } from './output'
import { readSince } from './time'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux logs [SERVER | --all | --audit] [-f] [options] [--space S] [--data-dir D] [--json]

Prints the newest lines of a server's log, or of the gateway's own. Secrets are not in them.

  --all          the gateway and every server, by time
  --audit        only who changed what
  -f, --follow   go on with lines as they come, until Ctrl-C
  -n, --lines N  so many of the newest lines, at most 10000; default: 200
  --level L      debug, info, warning or error, and what is worse
  --source S     Connection, OAuth, Transport, MCP or Feature; Gateway or Audit
  --since T      not older than 30s, 10m, 2h or 3d, or than a time such as 2026-11-03T12:00Z
  --json         the lines as JSON, one on each line`

const options = {
  all: { type: 'boolean' },
  audit: { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
  lines: { type: 'string', short: 'n' },
  level: { type: 'string' },
  source: { type: 'string' },
  since: { type: 'string' },
  space: { type: 'string' },
} as const

const MOST_LINES = 10_000

function readLevel(text: string): LineLevel {
  const found = lineLevels.find((level) => level === text || (level === 'warning' && text === 'warn'))
  if (!found) throw new UsageError(`--level is one of ${lineLevels.join(', ')}`)
  return found
}

function readSource(text: string): LineSource {
  const found = lineSources.find((source) => source.toLowerCase() === text.toLowerCase())
  if (!found) throw new UsageError(`--source is one of ${lineSources.join(', ')}`)
  return found
}

function readLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d+$/.test(text) || limit > MOST_LINES)
    throw new UsageError(`--lines is a number from 0 to ${MOST_LINES}`)
  return limit
}

/** One line for a person; `names` says what servers are called. */
function text(line: LogLine, names: ReadonlyMap<string, string>): string {
  const { server, executable, pid } = line
  const name = server !== undefined && line.source !== 'Gateway' ? names.get(server) : undefined
  const about = name === undefined || line.source === 'Audit' ? '' : `${safe(name)}: `
  const by = executable === undefined ? '' : ` by ${safe(executable)} (${pid ?? 0})`
  return `${line.time} ${line.level.padEnd(7)} ${line.source.padEnd(10)} ${about}${safe(line.message)}${by}`
}

const queryOf = (query: object): Record<string, string> =>
  Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))

async function read(admin: AdminClient, path: string, query: object): Promise<LogLine[]> {
  const lines: unknown = await (await ask(admin, path, queryOf(query))).json()
  return Array.isArray(lines) ? lines.map(asLine).filter((line) => line !== null) : []
}

/** Prints the events of a live view until it ends. */
async function follow(answer: Response, io: Io, print: (line: LogLine) => Promise<void>): Promise<void> {
  for await (const { type, data } of eventsOf(answer)) {
    const line = type === 'line' ? parseLine(data) : null
    if (line) await print(line)
    else if (type === 'missed') io.talk('mcpmux: some lines came too fast and were left out here')
  }
}

/** What the gateway wrote before it ended; without it nobody knows which file is which server's. */
function readStopped(
  dataDir: string,
  query: Omit<Parameters<typeof readLogs>[1], 'of'>,
  of: 'app' | 'audit',
) {
  return readLogs(createLogFolder(join(dataDir, 'logs')), { ...query, of })
}

const isAbsent = (error: unknown): boolean => error instanceof GatewayError && error.code === 'daemon.absent'

const namesOf = async ({ api }: AdminClient): Promise<ReadonlyMap<string, string>> =>
  new Map((await must(api.servers.get({ query: {} }))).map(({ id, name }) => [id, name]))

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, options)
    const [wanted] = positionals.length > 0 ? words(positionals, 'SERVER') : words(positionals)
    if ([wanted !== undefined, values.all, values.audit].filter(Boolean).length > 1)
      throw new UsageError('choose one of SERVER, --all and --audit')
    const query = {
      limit: readLimit(values.lines ?? '200'),
      ...(values.level === undefined ? {} : { level: readLevel(values.level) }),
      ...(values.source === undefined ? {} : { source: readSource(values.source) }),
      ...(values.since === undefined ? {} : { since: readSince(values.since, '--since') }),
    }
    const { io, admin } = open(values['data-dir'])
    const of = values.all ? 'all' : values.audit ? 'audit' : 'app'
    const print = (names: ReadonlyMap<string, string>) => (line: LogLine) =>
      io.out(values.json ? safeJson(JSON.stringify(line)) : text(line, names))

    try {
      const server = wanted === undefined ? null : await findServer(admin, wanted, values.space)
      const show = print(values.all ? await namesOf(admin) : new Map())
      if (values.follow) {
        const search = queryOf({ ...query, ...(server ? { server: server.id } : { of }) })
        await follow(await ask(admin, '/logs/stream', search), io, show)
        return exit.ok
      }
      const lines = server
        ? await read(admin, `/servers/${encodeURIComponent(server.id)}/logs`, query)
        : await read(admin, '/logs', { ...query, of })
      for (const line of lines) await show(line)
      if (lines.length === 0) io.talk('no lines')
      return exit.ok
    } catch (error) {
      if (!isAbsent(error) || values.follow || of === 'all' || wanted !== undefined) throw error
      const lines = await readStopped(readConfig(values['data-dir']).dataDir, query, of)
      if (lines.length === 0) throw error
      io.talk('mcpmux: McpMux is not running; this is what it wrote')
      for (const line of lines) await print(new Map())(line)
      return exit.ok
    }
  },
}
