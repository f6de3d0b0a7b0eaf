// The programs under measurement: floors, echo servers, and the compiled gateway behind its own command line.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Daemon, startDaemon } from '../support/daemon'
import { open, post, type Target } from './target'

const here = import.meta.dir
const bun = process.execPath
export const echoCommand = (tools = 1): string[] => [
  bun,
  join(here, '../servers/echo-stdio.ts'),
  String(tools),
]

export interface Program extends AsyncDisposable {
  url: URL
}

async function program(file: string, args: readonly string[]): Promise<Program> {
  const child = Bun.spawn([bun, join(here, file), ...args], {
    stdout: 'pipe',
    stdin: 'ignore',
    stderr: 'inherit',
  })
  const reader = child.stdout.getReader()
  const { value } = await reader.read()
  return {
    url: new URL(new TextDecoder().decode(value).trim()),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await child.exited
    },
  }
}

export const startFloor = (...args: string[]): Promise<Program> => program('floor.ts', args)
export const startHttpEcho = (): Promise<Program> => program('../servers/echo-http.ts', [])

export const floorTarget = (name: string, { url }: Program): Target => ({
  name,
  url,
  headers: {},
  tool: 'echo',
})

/** A gateway with its servers and a key. */
export interface Bench extends AsyncDisposable {
  daemon: Daemon
  key: string
  target: Target
}

export interface ServerWanted {
  name: string
  /** A command line, or the address of a Streamable HTTP server. */
  from: string[] | URL
}

/** Starts the gateway in a data folder of its own, adds the servers as a person would and makes a key. */
export async function startBench(servers: readonly ServerWanted[]): Promise<Bench> {
  const home = newHome()
  try {
    const { daemon, key, target } = await furnish(home, servers)
    return {
      daemon,
      key,
      target,
      async [Symbol.asyncDispose]() {
        await daemon[Symbol.asyncDispose]()
        rmSync(home, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(home, { recursive: true, force: true })
    throw error
  }
}

/** The same in a home that stays. */
export async function furnish(home: string, servers: readonly ServerWanted[]) {
  const daemon = await startDaemon({ home })
  try {
    const waiting = [...servers]
    const add = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const from = next.from instanceof URL ? ['--url', next.from.href] : ['--', ...next.from]
        await daemon.ok('add', next.name, '--yes', ...from)
      }
    }
    await Promise.all([add(), add(), add()])
    const key = (await daemon.ok('key', 'create', 'bench')).trim()
    return { daemon, key, target: targetOf(daemon, key, await echoName(daemon, key)) }
  } catch (error) {
    await daemon[Symbol.asyncDispose]()
    throw error
  }
}

export const newHome = (): string => mkdtempSync(join(tmpdir(), 'mux-bench-'))

export const targetOf = (daemon: Pick<Daemon, 'mcpUrl'>, key: string, tool: string): Target => ({
  name: 'mcpmux',
  url: new URL(daemon.mcpUrl.replace('localhost', '127.0.0.1')),
  headers: { authorization: `Bearer ${key}` },
  tool,
})

/** The exposed name of the first server's echo tool, as the list has it. */
async function echoName(daemon: Daemon, key: string): Promise<string> {
  const { conversation, connection } = await open(targetOf(daemon, key, ''))
  const { text } = await connection.exchange(
    post(conversation, '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'),
  )
  connection.close()
  const { result } = JSON.parse(text) as { result: { tools: { name: string }[] } }
  const tool = result.tools.find(({ name }) => /(^|_)echo$/.test(name))
  if (tool === undefined) throw new Error(`no echo tool in the list: ${text.slice(0, 300)}`)
  return tool.name
}

/** Process ids of a process and everything below it. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : null
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [pid]
  for (const next of found) found.push(...(children.get(next) ?? []))
  return found
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}

/** Resident bytes of the gateway's own processes (reaper included), and how many servers run below it. */
export function footprint(pid: number): { bytes: number; servers: number } {
  let bytes = 0
  let servers = 0
  for (const member of processTree(pid)) {
    try {
      if (readFileSync(`/proc/${member}/cmdline`, 'utf8').includes('echo-stdio')) servers++
      else
        bytes +=
          Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${member}/status`, 'utf8'))?.[1] ?? 0) * 1024
    } catch {
      // It ended meanwhile.
    }
  }
  return { bytes, servers }
}
