// What `npm start -- --demo` sets up, through the program's own commands.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quote } from './daemon.mjs'
import { Stop, root, say } from './process.mjs'

const SPACE = 'Demo'

async function must(daemon, ...words) {
  const result = await daemon.command(...words)
  if (result.code !== 0) throw new Stop(`mcpmux ${words[0]} ${words[1]} failed:\n${result.stderr.trim()}`)
  return result.stdout
}

const status = async (daemon) => JSON.parse(await must(daemon, 'status', '--json'))

/** Whether nobody has set anything up in this data folder. */
export async function isEmpty(daemon) {
  const { servers, clients } = await status(daemon)
  return servers.length === 0 && clients.length === 0
}

const installed = (name) => join(root, 'node_modules', '@modelcontextprotocol', name, 'dist', 'index.js')

/** The two servers, with exactly the command lines that would run. */
export function demoPlan(daemon) {
  const files = join(daemon.dataFolder, 'demo-files')
  const server = (alias, command) => ({ alias, command, commandLine: command.map(quote).join(' ') })
  return {
    files,
    servers: [
      server('everything', ['node', installed('server-everything'), 'stdio']),
      server('filesystem', ['node', installed('server-filesystem'), files]),
    ],
  }
}

async function addServers(daemon, plan) {
  await must(daemon, 'space', 'use', SPACE)
  for (const { alias, command } of plan.servers) {
    say(`Adding ${alias} …`)
    await must(daemon, 'add', alias, '--space', SPACE, '--yes', '--source', 'demo', '--', ...command)
  }
  return (await must(daemon, 'key', 'create', 'demo')).trim()
}

/** Creates the Space, both servers and one client with its key, and prints what a person needs to use them. */
export async function setUpDemo(daemon, plan) {
  mkdirSync(plan.files, { recursive: true, mode: 0o700 })
  const welcome = 'The filesystem server of the demo may read and write this folder only.\n'
  writeFileSync(join(plan.files, 'welcome.txt'), welcome)
  const before = (await status(daemon)).space.name
  await must(daemon, 'space', 'create', SPACE)
  let key
  try {
    key = await addServers(daemon, plan)
  } catch (error) {
    // All of it or nothing, so that the next start finds an empty data folder again.
    await daemon.command('space', 'use', before)
    await daemon.command('space', 'remove', SPACE)
    throw error
  }
  say(`
Endpoint  ${daemon.ready.mcpUrl}
Key       ${key}
          (of the client "demo"; it is not shown again)

Try it in another terminal, in this folder:
  ./dist/mcpmux call everything/echo '{"message":"hi"}'${daemon.suffix}

Connect an AI client with this endpoint and key: docs/connect-clients.md
`)
}
