// A Secret Service of a test's own: a private bus without activation, and a gnome-keyring-daemon on it. It shares
// nothing with a real login and needs no display.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './daemon'

const PASSWORD = 'keyring of a test'
const SERVICE = 'com.mcpmux.desktop'
const SECRETS = 'org.freedesktop.secrets'
const COLLECTION = '/org/freedesktop/secrets/collection/login'

export interface KeyringItem {
  service: string
  account: string
  value: Uint8Array
}

export interface Keyring extends AsyncDisposable {
  /** What a process needs to find it. */
  env: { DBUS_SESSION_BUS_ADDRESS: string }
  /** Of the keyring daemon, for signals. */
  readonly pid: number
  lock(): Promise<void>
  unlock(): Promise<void>
  /** Ends the keyring daemon; the bus stays, and nothing brings the daemon back but `start`. */
  kill(): Promise<void>
  /** After `kill`: with the items it had; `locked` as after a login without a password. */
  start(how?: 'locked'): Promise<void>
  /** Stops answering without going away, and goes on. */
  freeze(): void
  thaw(): void
  /** Removes one of our items, as another program would. */
  remove(account: string): Promise<void>
  /** Removes all our items. */
  empty(): Promise<void>
  /** Our items as another program sees them; it must not be locked. */
  items(): Promise<KeyringItem[]>
  /** Stores an item as another program would. */
  replace(account: string, value: Uint8Array): Promise<void>
}

/** Starts one, unlocked and empty. Disposing ends and removes all of it. */
export async function startKeyring(): Promise<Keyring> {
  const folder = mkdtempSync(join(tmpdir(), 'mux-ring-'))
  const bus = await startBus(folder)
  const env = { DBUS_SESSION_BUS_ADDRESS: bus.address }
  const control = join(folder, 'control')
  const run = (command: string[], stdin?: Uint8Array) => runTool(command, { ...env, HOME: folder }, stdin)
  const call = (target: string, path: string, ...words: string[]) =>
    run(['dbus-send', '--session', '--print-reply', `--dest=${target}`, path, ...words])
  const owned = async () => {
    const name = ['org.freedesktop.DBus.NameHasOwner', `string:${SECRETS}`]
    return (await call('org.freedesktop.DBus', '/', ...name)).text.includes('true')
  }
  const daemon = (how?: 'locked') =>
    Bun.spawn(
      [
        'gnome-keyring-daemon',
        '--foreground',
        ...(how === 'locked' ? [] : ['--unlock']),
        '--components=secrets',
        `--control-directory=${control}`,
      ],
      {
        env: { ...env, PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_RUNTIME_DIR: folder },
        stdin: new Blob([PASSWORD]),
        stdout: 'ignore',
        stderr: 'ignore',
      },
    )
  let child = daemon()
  const up = () => eventually(owned, Boolean)
  const kill = async () => {
    child.kill('SIGKILL')
    await child.exited
    await eventually(owned, (is) => !is)
  }
  const end = async () => {
    child.kill('SIGKILL')
    await child.exited
    await bus.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const search = async () => {
    const { text, errors } = await run(['secret-tool', 'search', '--all', 'service', SERVICE])
    return [...`${text}\n${errors}`.matchAll(/^attribute\.username = (.*)$/gm)].map(([, name = '']) => name)
  }
  try {
    await up()
  } catch (thrown) {
    await end()
    throw thrown
  }
  return {
    env,
    get pid() {
      return child.pid
    },
    async lock() {
      await must(
        call(SECRETS, '/org/freedesktop/secrets', `${SERVICE_CALL}.Lock`, `array:objpath:${COLLECTION}`),
      )
      await eventually(isLocked(call), Boolean)
    },
    async unlock() {
      await unlockThrough(join(control, 'control'))
      await eventually(isLocked(call), (is) => !is)
    },
    kill,
    async start(how) {
      child = daemon(how)
      await up()
    },
    freeze: () => process.kill(child.pid, 'SIGSTOP'),
    thaw: () => process.kill(child.pid, 'SIGCONT'),
    async remove(account) {
      await must(run(['secret-tool', 'clear', 'service', SERVICE, 'username', account]))
    },
    async empty() {
      await run(['secret-tool', 'clear', 'service', SERVICE])
      await eventually(search, (left) => left.length === 0)
    },
    async items() {
      const accounts = await search()
      return Promise.all(
        accounts.map(async (account) => {
          const key = ['service', SERVICE, 'username', account]
          const { bytes } = await must(run(['secret-tool', 'lookup', ...key]))
          return { service: SERVICE, account, value: bytes }
        }),
      )
    },
    async replace(account, value) {
      const key = ['service', SERVICE, 'username', account]
      await must(run(['secret-tool', 'store', '--label=from outside', ...key], value))
    },
    [Symbol.asyncDispose]: end,
  }
}

const PATH = process.env.PATH ?? '/usr/bin:/bin'
const SERVICE_CALL = 'org.freedesktop.Secret.Service'

/** No service folder is configured: what is not running is not started by asking for it. */
async function startBus(folder: string) {
  const config = join(folder, 'bus.conf')
  writeFileSync(
    config,
    `<busconfig><type>session</type><listen>unix:path=${join(folder, 'bus')}</listen><auth>EXTERNAL</auth>
    <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
  )
  mkdirSync(join(folder, 'control'))
  chmodSync(join(folder, 'control'), 0o700)
  const child = Bun.spawn(
    ['dbus-daemon', `--config-file=${config}`, '--nofork', '--nopidfile', '--print-address=1'],
    {
      env: { PATH, HOME: folder },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'ignore',
    },
  )
  let line = ''
  for await (const chunk of child.stdout) {
    line += new TextDecoder().decode(chunk)
    if (line.includes('\n')) break
  }
  const stop = async () => {
    child.kill('SIGKILL')
    await child.exited
  }
  if (!line) {
    await stop()
    rmSync(folder, { recursive: true, force: true })
    throw new Error('dbus-daemon did not start')
  }
  return { address: line.trim(), stop }
}

interface ToolResult {
  code: number
  bytes: Uint8Array
  text: string
  errors: string
}

async function runTool(
  command: string[],
  env: Record<string, string>,
  stdin?: Uint8Array,
): Promise<ToolResult> {
  const child = Bun.spawn(command, {
    env: { PATH, ...env },
    stdin: stdin ? new Blob([new Uint8Array(stdin)]) : 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [bytes, errors, code] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, bytes, text: new TextDecoder().decode(bytes), errors }
}

async function must(running: Promise<ToolResult>): Promise<ToolResult> {
  const result = await running
  if (result.code !== 0) throw new Error(`a tool ended with ${result.code}: ${result.errors}${result.text}`)
  return result
}

type Call = (target: string, path: string, ...words: string[]) => Promise<ToolResult>

const isLocked = (call: Call) => async () => {
  const get = ['org.freedesktop.DBus.Properties.Get', 'string:org.freedesktop.Secret.Collection']
  return (await must(call(SECRETS, COLLECTION, ...get, 'string:Locked'))).text.includes('true')
}

/** The daemon's own control socket, as a login uses it: one byte, then length, operation 1 and the password. */
async function unlockThrough(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let answer = Buffer.alloc(0)
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data(_, chunk) {
        answer = Buffer.concat([answer, chunk])
        if (answer.length >= 8) resolve(answer.readUInt32BE(4))
      },
      close: () => reject(new Error('the keyring closed its control socket')),
      error: (_, error) => reject(error),
    },
  })
  const password = Buffer.from(PASSWORD)
  const packet = Buffer.alloc(12 + password.length)
  packet.writeUInt32BE(packet.length, 0)
  packet.writeUInt32BE(1, 4)
  packet.writeUInt32BE(password.length, 8)
  packet.set(password, 12)
  socket.write(Buffer.concat([Buffer.alloc(1), packet]))
  try {
    const result = await promise
    if (result !== 0) throw new Error(`the keyring refused to unlock: ${result}`)
  } finally {
    socket.end()
  }
}
