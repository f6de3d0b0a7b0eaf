import { GatewayError } from '../errors'
import { systemRuntime } from '../runtime'
import { type AdminClient, must } from './client'
import { type Command, exit } from './command'
import { show } from './output'
import { parse, words } from './usage'

const help = `Usage: mcpmux quit [--data-dir D] [--json]

Stops the gateway and every server it runs, and waits until it is gone.`

/** Milliseconds to wait for the daemon to end: calls drain, then server trees are stopped. */
const PATIENCE = 20_000

async function gone({ fetch }: AdminClient): Promise<boolean> {
  try {
    await (await fetch('/status')).body?.cancel()
    return false
  } catch (error) {
    return error instanceof GatewayError && error.code === 'daemon.absent'
  }
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export const command: Command = {
  help,
  async run(args, open) {
    const { values, positionals } = parse(args, {})
    words(positionals)
    const { io, admin } = open(values['data-dir'])
    const { stopping } = await must(admin.api.quit.post({}))
    const start = systemRuntime.monotonic()
    while (alive(stopping) || !(await gone(admin))) {
      if (systemRuntime.monotonic() - start > PATIENCE) {
        io.talk(`mcpmux: process ${stopping} is still stopping`)
        return exit.failure
      }
      await systemRuntime.sleep(50)
    }
    await show(io, values.json, { stopped: stopping }, () => 'stopped')
    return exit.ok
  },
}
