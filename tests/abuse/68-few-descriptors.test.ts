// With room for 256 open files the compiled gateway meets more connections than it can hold.
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { binary, cleanEnvironment, eventually, runCli } from '../support/daemon'
import { openCaller, scripted, textOf } from '../support/scripted'
import { tempHome } from '../support/source-daemon'

const FILES = 256
const FLOOD = 500

test('[threat.68] a gateway that runs out of descriptors serves those who are in, and everybody once there is room', async () => {
  using place = tempHome()
  const env = cleanEnvironment(place.home)
  const dataDir = `${place.home}/data`
  const command = `ulimit -n ${FILES}; exec "$0" serve --port 0 --data-dir "$1" --json`
  const child = Bun.spawn(['/bin/sh', '-c', command, binary, dataDir], {
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const sockets: Socket[] = []
  try {
    const { value } = await child.stdout.getReader().read()
    const ready = JSON.parse(new TextDecoder().decode(value)) as { mcpUrl: string }
    const cli = async (...args: string[]) => {
      const place = args.indexOf('--') < 0 ? args.length : args.indexOf('--')
      const all = [...args.slice(0, place), '--data-dir', dataDir, ...args.slice(place)]
      const { code, stdout, stderr } = await runCli(all, env)
      expect([args.slice(0, 2), code, stderr]).toEqual([args.slice(0, 2), 0, stderr])
      return stdout
    }
    await cli('add', 'plain', '--yes', '--', ...scripted('plain'))
    const daemon = { mcpUrl: ready.mcpUrl }
    const caller = await openCaller(daemon, (await cli('key', 'create', 'one')).trim())
    const echo = async (text: string) => textOf(await caller.call('plain_echo', { text }))
    expect(await echo('before')).toBe('before')

    let connected = 0
    for (let n = 0; n < FLOOD; n++) {
      const socket = connect(Number(new URL(ready.mcpUrl).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.on('connect', () => {
        connected += 1
        socket.write('POST /mcp HTTP/1.1\r\nHost: local')
      })
      sockets.push(socket)
    }
    // The kernel takes more connections than the gateway has descriptors for.
    await eventually(
      () => connected,
      (count) => count >= FILES,
    )
    const open = () => readdirSync(`/proc/${child.pid}/fd`).length
    await eventually(open, (count) => count >= FILES - 5)
    // Whoever is in keeps a connection, and a flood of half requests is cut off by itself.
    await eventually(
      () => echo('after').catch(() => null),
      (text) => text === 'after',
      60_000,
    )
    for (const socket of sockets) socket.destroy()
    await eventually(
      () => echo('later').catch(() => null),
      (text) => text === 'later',
      60_000,
    )
    expect(child.exitCode).toBeNull()
    expect(await cli('tools')).toContain('plain_echo')
  } finally {
    for (const socket of sockets) socket.destroy()
    child.kill('SIGTERM')
    await child.exited
  }
}, 180_000)
