import { member, rawOf } from '../wire/members'
import { scanMessage } from '../wire/scan'
import { textOf } from '../wire/text'
import { toRemoteError } from './client'
import { type Command, exit } from './command'
import { findTool } from './find-tool'
import { safe } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux call SERVER/TOOL [JSON | -] [--space S] [--data-dir D]
       mcpmux call NAME [JSON | -] [--space S] [--data-dir D]

Calls one tool and prints its result as the server sent it. Arguments are a JSON object, "-" reads them from
standard input. Exit code 1 when the tool says that it failed.

  SERVER    alias, name or id
  TOOL      the server's own name of the tool
  NAME      the name clients see, as "mcpmux tools" lists it`

async function readArguments(
  given: string | undefined,
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const bytes = given === '-' ? await read() : new TextEncoder().encode(given ?? '{}')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new UsageError('the arguments are not valid JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('the arguments must be a JSON object')
  return bytes
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, { space: { type: 'string' } })
    const [target, given] =
      positionals.length > 1 ? words(positionals, 'SERVER/TOOL', 'JSON') : words(positionals, 'SERVER/TOOL')
    if (/^\/|\/$/.test(target)) throw new UsageError('write SERVER/TOOL')

    const { io, admin } = open(values['data-dir'])
    const body = await readArguments(given, io.readInput)
    const { server, tool } = await findTool(admin, target, values.space)
    const path = `/servers/${encodeURIComponent(server.id)}/call?tool=${encodeURIComponent(tool)}`
    const answer = await admin.fetch(path, { method: 'POST', body: new TextDecoder().decode(body) })
    if (!answer.ok) throw toRemoteError(await answer.json())

    const message = scanMessage(await answer.bytes())
    if (message.error) {
      const text = member(message.bytes, message.error, 'message')
      const code = member(message.bytes, message.error, 'code')
      const number = code ? new TextDecoder().decode(rawOf(message.bytes, code)) : ''
      io.talk(
        `mcpmux: the server answered with error ${number}: ${safe((text && textOf(message.bytes, text)) ?? '')}`,
      )
      return exit.failure
    }
    if (!message.result) return exit.failure
    await io.outJson(rawOf(message.bytes, message.result))
    await io.out('\n')
    const failed = member(message.bytes, message.result, 'isError')
    return failed && new TextDecoder().decode(rawOf(message.bytes, failed)) === 'true'
      ? exit.failure
      : exit.ok
  },
}
