// `npm start`: installs, builds and serves in the foreground. `npm start -- --demo` also sets an empty data folder up,
// so that there are tools at once. Everything else after `--` goes to `mcpmux serve`.
import { createInterface } from 'node:readline/promises'
import { buildBinary } from './lib/binary.mjs'
import { demoPlan, isEmpty, setUpDemo } from './lib/demo.mjs'
import { startDaemon } from './lib/daemon.mjs'
import { main, say } from './lib/process.mjs'
import { ensureToolchain } from './lib/toolchain.mjs'

const usage = `Usage: npm start
       npm start -- [--demo] [options of "mcpmux serve"]

Installs what is locked, builds dist/mcpmux and serves in the foreground until Ctrl-C.

  --demo          in an empty data folder, set up two reference servers and a key; this is your consent to run them
  --port N        port for AI clients; default: the setting, 9315; 0 picks a free one
  --data-dir D    data folder
  --verbose       also show every line the servers log`

const later = `Nothing was set up. To allow these two command lines later: npm start -- --demo
To add a server of your own: ./dist/mcpmux add NAME -- COMMAND`

async function agreed(daemon, plan) {
  say('\nThe data folder is empty. Two reference servers can be set up in a Space named Demo:')
  for (const server of plan.servers) say(`  ${server.alias}: ${server.commandLine}`)
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    say(later)
    return false
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const gone = new AbortController()
  // On a terminal the question takes Ctrl-C for itself; it means stop here as anywhere else.
  terminal.on('SIGINT', () => {
    gone.abort()
    daemon.stop()
  })
  terminal.on('close', () => gone.abort())
  try {
    const answer = await terminal.question('They run with your rights. Set them up now? [y/N] ', {
      signal: gone.signal,
    })
    const yes = /^y(es)?$/i.test(answer.trim())
    if (!yes) say(later)
    return yes
  } catch {
    return false
  } finally {
    terminal.close()
  }
}

async function welcome(daemon, demo) {
  if (await isEmpty(daemon)) {
    const plan = demoPlan(daemon)
    if (demo || (await agreed(daemon, plan))) await daemon.quietly(() => setUpDemo(daemon, plan))
  } else {
    if (demo) say('This data folder is in use already; it was left as it is.')
    say(
      `A key for a client: ./dist/mcpmux key create NAME${daemon.suffix}\nWhere it goes: docs/connect-clients.md`,
    )
  }
  if (!daemon.stopping()) say('Ctrl-C stops.')
}

await main(async () => {
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const demo = args.includes('--demo')
  const binary = await buildBinary(await ensureToolchain())
  const daemon = await startDaemon(
    binary,
    args.filter((arg) => arg !== '--demo'),
  )
  if (!daemon.ready) return daemon.exited
  say(`\nMcpMux serves at ${daemon.ready.mcpUrl}`)
  try {
    await welcome(daemon, demo)
  } catch (error) {
    if (!daemon.stopping()) {
      daemon.stop()
      await daemon.exited
      throw error
    }
  }
  return daemon.exited
})
