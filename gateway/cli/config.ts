import { settingKeys, settingSpecs } from '../domain/settings'
import { GatewayError } from '../errors'
import { must } from './client'
import { type Command, exit } from './command'
import type { Io } from './io'
import { show, table } from './output'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux config get [KEY]
       mcpmux config set KEY VALUE
       mcpmux config reset KEY

Settings: port, host, limits and time-outs. Times are milliseconds, sizes bytes.

  --data-dir D    data folder of the gateway
  --json          print JSON`

/** Numbers as numbers; what a setting takes is checked where it is kept. */
function readValue(key: string, text: string): string | number {
  const known = settingKeys.find((name) => name === key)
  return known && settingSpecs[known].type === 'number' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

/** The two settings that wait for the next start of the gateway. */
const actsAtStart = (key: string): boolean => key === 'port' || key === 'host'

function laterIn(io: Io, key: string): void {
  if (actsAtStart(key)) io.talk('it acts when the gateway starts the next time')
}

/** A gateway that cannot start because of its address can still be told another one. */
async function orStart<T>(key: string | undefined, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (key === undefined || !actsAtStart(key)) throw error
    if (!(error instanceof GatewayError) || error.code !== 'daemon.absent') throw error
    const option = key === 'port' ? '--port N' : '--host H'
    throw new GatewayError(
      'daemon.absent',
      `start it with "mcpmux serve"; "mcpmux serve ${option}" chooses its ${key} for one run, without this setting`,
      { cause: error },
    )
  }
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, {})
    const [verb, ...rest] = positionals
    const context = () => open(values['data-dir'])
    switch (verb) {
      case 'get': {
        const [wanted] = rest.length > 0 ? words(rest, 'KEY') : [undefined]
        const { io, admin } = context()
        const all = await orStart(wanted, must(admin.api.settings.get()))
        if (wanted === undefined) {
          const rows = all.map((row) => [
            row.key,
            String(row.value),
            row.isDefault ? '' : 'changed',
            row.help,
          ])
          await show(io, values.json, all, () => table(['KEY', 'VALUE', '', 'MEANING'], rows))
          return exit.ok
        }
        const one = all.find(({ key }) => key === wanted)
        if (!one) throw new GatewayError('setting.unknown', wanted)
        await show(io, values.json, one, () => String(one.value))
        return exit.ok
      }
      case 'set': {
        const [key, value] = words(rest, 'KEY', 'VALUE')
        const { io, admin } = context()
        const row = await orStart(
          key,
          must(admin.api.settings({ id: key }).put({ value: readValue(key, value) })),
        )
        await show(io, values.json, row, () => `${key} = ${value}`)
        laterIn(io, key)
        return exit.ok
      }
      case 'reset': {
        const [key] = words(rest, 'KEY')
        const { io, admin } = context()
        const row = await orStart(key, must(admin.api.settings({ id: key }).delete({})))
        await show(io, values.json, row, () => `${key} = ${row.value}`)
        laterIn(io, key)
        return exit.ok
      }
      default:
        throw new UsageError('say get, set or reset')
    }
  },
}
