import { readConfig } from '../config'
import { closeMemory } from '../control/libc'
import { visibleWord } from '../domain/visible-text'
import { GatewayError } from '../errors'
import type { GatewayOptions } from '../compose/options'
import { startGateway } from '../gateway'
import { systemRuntime } from '../runtime'
import { type Command, exit } from './command'
import { createIo } from './io'
import { safe } from './output'
import { takeUncaught } from './uncaught'
import { parse, UsageError, words } from './usage'

const help = `Usage: mcpmux serve [options]

Runs the gateway in the foreground until Ctrl-C or "mcpmux quit".

  --port N        port for AI clients; default: the setting, 9315; 0 picks a free one
  --host H        localhost (both loopback families), 127.0.0.1 or ::1
  --data-dir D    data folder
  --verbose       also show every line the servers log
  --json          print one line {"mcpUrl","adminUrl","pid"} when ready`

const options = { port: { type: 'string' }, host: { type: 'string' }, verbose: { type: 'boolean' } } as const

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError('--port is a number from 0 to 65535')
  return port
}

/** Resolves with the first signal that asks to stop; the second one ends the process on the spot. */
function stopAsked(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (asked) process.exit(exit.failure)
        asked = true
        resolve(signal)
      })
    // A reader of our output that left, and signals other tools use to probe, are no reason to end.
    for (const signal of ['SIGPIPE', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {})
  })
}

export const command: Command = {
  help,
  async run(args) {
    const { values, positionals } = parse(args, options)
    words(positionals)
    const port = readPort(values.port)
    const config = readConfig(values['data-dir'])
    closeMemory(config.platform)
    const io = createIo(config)
    const asked = stopAsked()
    const startOptions: GatewayOptions = {
      runtime: systemRuntime,
      port,
      host: values.host,
      verbose: values.verbose,
      report: (line) => io.talk(safe(line)),
    }
    const gateway = await startGateway(config, startOptions).catch((error: unknown) => {
      // Errors name no paths, because clients read them too; who starts the gateway has to know which folder it is.
      if (error instanceof GatewayError && error.code.startsWith('store.'))
        io.talk(`data folder ${visibleWord(config.dataDir)}`)
      throw error
    })
    // A mistake costs the request it was made in; the others, and the servers, have nothing to do with it.
    takeUncaught(gateway.fault)
    const { mcpUrl, adminUrl } = gateway
    if (values.json) await io.out(JSON.stringify({ mcpUrl, adminUrl, pid: process.pid }))
    else {
      await io.out(`McpMux serves ${mcpUrl}`)
      io.talk('A key for a client: mcpmux key create NAME. Stop with Ctrl-C.')
    }
    const reason = await Promise.race([asked, gateway.stopped.then(() => null)])
    if (reason !== null && !values.json) io.talk('stopping…')
    await gateway.stop()
    const breach = await gateway.stopped
    if (breach) throw breach
    return exit.ok
  },
}
