import { expect, test } from 'bun:test'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createControlFetch } from '../../gateway/control/connect'
import { openLibc } from '../../gateway/control/libc'
import { lockDataFolder } from '../../gateway/control/lock'
import { controlPath } from '../../gateway/control/path'
import { executableReader } from '../../gateway/control/process-info'
import { type ChangeRequest, openControlSocket } from '../../gateway/control/socket'
import { readConfig } from '../../gateway/config'
import { GatewayError } from '../../gateway/errors'
import { waitUntil } from '../support/processes'
import { startSourceDaemon, tempHome } from '../support/source-daemon'

const libc = openLibc(process.platform)

function place() {
  const home = mkdtempSync(join(tmpdir(), 'mux-control-'))
  const config = { ...readConfig(join(home, 'data')), runtimeDir: home }
  return {
    home,
    config,
    path: controlPath(config),
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  }
}

interface Options {
  handle?: (request: Request) => Promise<Response> | Response
  isOurDescendant?: (pid: number) => boolean | Promise<boolean>
  executableOf?: (pid: number) => string | null
  peerOf?: typeof libc.peerOf
}

function open(path: string, options: Options = {}) {
  const audits: ChangeRequest[] = []
  const socket = openControlSocket({
    path,
    libc: { peerOf: options.peerOf ?? libc.peerOf },
    app: {
      handle:
        options.handle ?? (async (request) => new Response(`${request.method} ${await request.text()}`)),
    },
    isOurDescendant: options.isOurDescendant ?? (() => false),
    executableOf: options.executableOf ?? executableReader(process.platform),
    audit: (entry) => audits.push(entry),
  })
  return { audits, [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose]() }
}

const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: unknown) => (error instanceof GatewayError ? error.code : String(error)),
  )

test('[threat.21] the socket is 0600 in a 0700 folder of ours', async () => {
  using at = place()
  await using _ = open(at.path)
  expect(statSync(at.path).mode & 0o777).toBe(0o600)
  expect(statSync(dirname(at.path)).mode & 0o777).toBe(0o700)
})

test('[threat.21] a folder that others may enter, or that is a link, is not used', async () => {
  using loose = place()
  mkdirSync(dirname(loose.path))
  chmodSync(dirname(loose.path), 0o755)
  expect(() => open(loose.path)).toThrow('cannot be trusted')
  using linked = place()
  mkdirSync(join(linked.home, 'elsewhere'), { mode: 0o700 })
  symlinkSync(join(linked.home, 'elsewhere'), dirname(linked.path))
  expect(() => open(linked.path)).toThrow('cannot be trusted')
  using blocked = place()
  writeFileSync(dirname(blocked.path), '')
  expect(() => open(blocked.path)).toThrow('cannot be trusted')
})

test('[threat.21] requests and answers pass whole, whatever their size', async () => {
  using at = place()
  await using _ = open(at.path)
  const fetch = createControlFetch(at.config)
  const body = JSON.stringify({ text: '\u00e9\ud83d\ude00"\\\u0001'.repeat(200_000) })
  const answer = await fetch('/echo?x=1', { method: 'POST', body })
  expect(answer.status).toBe(200)
  expect((await answer.text()) === `POST ${body}`).toBe(true)
})

test('[threat.21] a change is audited with who asked, and never with its body', async () => {
  using at = place()
  await using door = open(at.path)
  const fetch = createControlFetch(at.config)
  await (await fetch('/servers')).text()
  await (await fetch('/servers', { method: 'POST', body: '{"secret":"canary"}' })).text()
  expect(door.audits).toEqual([
    { pid: process.pid, executable: process.execPath, method: 'POST', path: '/servers' },
  ])
})

test('[threat.21] another user, a process nobody knows, a descendant and one that is gone are refused before anything runs', async () => {
  const strangers: Options[] = [
    { peerOf: (fd) => ({ pid: libc.peerOf(fd)?.pid ?? 0, uid: 4_000_000 }) },
    { peerOf: () => null },
    { isOurDescendant: (pid) => pid === process.pid },
    { isOurDescendant: async () => true },
    { executableOf: () => null },
  ]
  for (const stranger of strangers) {
    using at = place()
    let handled = 0
    await using door = open(at.path, {
      ...stranger,
      handle: () => {
        handled += 1
        return new Response()
      },
    })
    const answer = await createControlFetch(at.config)('/spaces', { method: 'POST', body: '{}' })
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({ code: 'admin.forbidden' })
    expect([handled, door.audits.length]).toEqual([0, 0])
  }
})

test.skipIf(process.getuid?.() !== 0)(
  '[threat.21] a user without rights is kept out by the folder',
  async () => {
    using at = place()
    await using _ = open(at.path)
    chmodSync(at.home, 0o755)
    const program = `await Bun.connect({unix: ${JSON.stringify(at.path)}, socket: {data() {}}}).then(() => console.log('in'), (e) => console.log(e.code))`
    const child = Bun.spawn(['setpriv', '--reuid=65534', '--clear-groups', process.execPath, '-e', program], {
      env: { PATH: process.env.PATH ?? '', HOME: '/tmp' },
      cwd: '/',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const said = (await new Response(child.stdout).text()).trim()
    expect(['EACCES', 'EPERM']).toContain(said)
  },
)

test('[threat.21] who is not let in is told with the first bytes of a request, and can fill nothing', async () => {
  using at = place()
  await using _ = open(at.path, { isOurDescendant: async () => true })
  const heard = Promise.withResolvers<string>()
  let text = ''
  await using connection = await Bun.connect({
    unix: at.path,
    socket: {
      data: (__, chunk) => void (text += chunk.toString('utf8')),
      close: () => heard.resolve(text),
    },
  }).then((socket) => ({ socket, [Symbol.asyncDispose]: async () => void socket.end() }))
  connection.socket.write('{"method":"POST","path":"/spaces","body":"')
  const [first = ''] = (await heard.promise).split('\n')
  expect(JSON.parse(first)).toMatchObject({ status: 403 })
})

test('[threat.21] [limits] one process cannot take every place, and who finds none is told so', async () => {
  using at = place()
  let pid = 1111
  await using _ = open(at.path, {
    peerOf: () => ({ pid, uid: process.getuid?.() ?? -1 }),
    executableOf: () => '/usr/bin/program',
  })
  const silent = () => Bun.connect({ unix: at.path, socket: { data() {} } })
  const greedy = await Promise.all(Array.from({ length: 100 }, silent))
  const ask = createControlFetch(at.config)
  const refused = await ask('/spaces')
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'http.too_busy' }])
  pid = 2222
  expect((await ask('/spaces')).status).toBe(200)
  for (const socket of greedy) socket.end()
})

test('[threat.21] a caller that became another program since it connected is refused', async () => {
  using at = place()
  const programs = ['/usr/bin/first', '/usr/bin/second']
  await using _ = open(at.path, { executableOf: () => programs.shift() ?? null })
  const answer = await createControlFetch(at.config)('/spaces', { method: 'POST', body: '{}' })
  expect(answer.status).toBe(403)
})

test('[threat.21] what is no request frame is answered 400 and reaches nobody', async () => {
  using at = place()
  let handled = 0
  await using _ = open(at.path, {
    handle: () => {
      handled += 1
      return new Response()
    },
  })
  const garbage = [
    'not json',
    '[]',
    '{}',
    '{"method":"TRACE","path":"/","body":null}',
    '{"method":"GET","path":"http://elsewhere/","body":null}',
    '{"method":"GET","path":"/a b","body":null}',
    '{"method":"GET","path":"/","body":7}',
    '{"method":"GET","path":"/","body":null,"headers":{"host":"x"}}',
  ]
  for (const line of garbage) {
    let answer = ''
    const closed = Promise.withResolvers<void>()
    const socket = await Bun.connect({
      unix: at.path,
      socket: {
        data: (_, chunk) => {
          answer += chunk.toString()
        },
        close: () => closed.resolve(),
      },
    })
    socket.write(`${line}\n`)
    await closed.promise
    expect(answer).toStartWith('{"status":400')
  }
  expect(handled).toBe(0)
})

test('[threat.21] hanging up cancels the request', async () => {
  using at = place()
  const started = Promise.withResolvers<AbortSignal>()
  await using _ = open(at.path, {
    handle: (request) => {
      started.resolve(request.signal)
      return new Promise(() => {})
    },
  })
  const stop = new AbortController()
  const answer = createControlFetch(at.config)('/slow', { signal: stop.signal })
  const signal = await started.promise
  stop.abort()
  expect(await codeOf(answer)).toContain('Abort')
  await waitUntil('the request is cancelled', () => signal.aborted)
})

test('[faults] an endless answer ends with the socket, and the socket is gone', async () => {
  using at = place()
  const door = open(at.path, {
    handle: ({ signal }) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('data: 1\n\n'))
            signal.addEventListener('abort', () => controller.close())
          },
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      ),
  })
  const fetch = createControlFetch(at.config)
  const reader = (await fetch('/events')).body?.getReader()
  expect((await reader?.read())?.done).toBe(false)
  await door[Symbol.asyncDispose]()
  expect((await reader?.read())?.done).toBe(true)
  expect(await codeOf(fetch('/'))).toBe('daemon.absent')
})

test('[cli] each data folder has a socket of its own, however it is written', () => {
  using at = place()
  mkdirSync(at.config.dataDir)
  symlinkSync(at.config.dataDir, join(at.home, 'link'))
  expect(controlPath({ ...at.config, dataDir: join(at.home, 'link') })).toBe(at.path)
  expect(controlPath({ ...at.config, dataDir: `${at.config.dataDir}/../data/` })).toBe(at.path)
  expect(controlPath({ ...at.config, dataDir: join(at.home, 'other') })).not.toBe(at.path)
})

test('[cli] a run-time folder that is not ours or not there gives way to one inside the data folder', () => {
  using at = place()
  const instead = join(at.home, 'data', 'run')
  const open = join(at.home, 'open')
  mkdirSync(open)
  chmodSync(open, 0o777)
  for (const runtimeDir of [null, join(at.home, 'gone'), open, ...(process.getuid?.() === 0 ? [] : ['/'])])
    expect(dirname(controlPath({ ...at.config, runtimeDir }))).toBe(instead)
})

test('[threat.21] a folder somebody else made for it in the temporary one keeps no gateway from starting', async () => {
  const place = tempHome()
  const temp = join(place.home, 'tmp')
  const squatted = join(temp, `mcpmux-${process.getuid?.()}`)
  mkdirSync(squatted, { recursive: true })
  chmodSync(squatted, 0o777)
  const env = { XDG_RUNTIME_DIR: '', TMPDIR: temp }
  await using daemon = await startSourceDaemon(env, place)
  expect(readdirSync(squatted)).toEqual([])
  const folder = join(daemon.dataDir, 'run')
  expect([folder, join(folder, 'control.sock')].map((path) => statSync(path).mode & 0o777)).toEqual([
    0o700, 0o600,
  ])
  expect((await daemon.cli(['status'], { env })).code).toBe(0)
})

test('[cli] a daemon started without a run-time folder is found by a login that has one', async () => {
  const place = tempHome()
  const runtime = join(place.home, 'runtime')
  mkdirSync(runtime, { mode: 0o700 })
  await using daemon = await startSourceDaemon({ XDG_RUNTIME_DIR: '' }, place)
  const left = controlPath({ dataDir: daemon.dataDir, runtimeDir: runtime, tempDir: place.home })
  mkdirSync(dirname(left), { mode: 0o700 })
  const killed = Bun.spawn(
    [
      process.execPath,
      '-e',
      `Bun.listen({ unix: ${JSON.stringify(left)}, socket: { data() {} } }); console.log(1)`,
    ],
    { stdout: 'pipe' },
  )
  await killed.stdout.getReader().read()
  killed.kill('SIGKILL')
  await killed.exited
  expect(statSync(left).isSocket()).toBe(true)
  for (const env of [{ XDG_RUNTIME_DIR: runtime }, { XDG_RUNTIME_DIR: '' }])
    expect((await daemon.cli(['status'], { env })).code).toBe(0)
})

test('[cli] a path that the system cannot hold gives way to a shorter one', () => {
  using at = place()
  const long = join(at.home, 'x'.repeat(120))
  const { dataDir } = at.config
  expect(controlPath({ ...at.config, runtimeDir: long })).toBe(join(dataDir, 'run', 'control.sock'))
  const path = controlPath({ dataDir: long, runtimeDir: long, tempDir: long })
  expect(dirname(path)).toBe(`/tmp/mcpmux-${process.getuid?.()}`)
})

test('[process] one daemon per data folder: the second is told which process holds it', async () => {
  using at = place()
  const lock = lockDataFolder(at.config.dataDir, libc)
  expect(() => lockDataFolder(at.config.dataDir, libc)).toThrow(`process ${process.pid}`)
  lockDataFolder(join(at.home, 'other'), libc).release()
  lock.release()
  lockDataFolder(at.config.dataDir, libc).release()
})

test('[process] the lock ends with its holder, also when a child of it lives on', async () => {
  using at = place()
  const program = `
    import { openLibc } from '${import.meta.dir}/../../gateway/control/libc'
    import { lockDataFolder } from '${import.meta.dir}/../../gateway/control/lock'
    lockDataFolder(${JSON.stringify(at.config.dataDir)}, openLibc(process.platform))
    const child = Bun.spawn(['sleep', '60'], { stdio: ['ignore', 'ignore', 'ignore'] })
    console.log(child.pid)
    setInterval(() => {}, 1000)`
  const file = join(at.home, 'holder.ts')
  writeFileSync(file, program)
  const holder = Bun.spawn([process.execPath, file], { stdout: 'pipe' })
  const reader = holder.stdout.getReader()
  const child = Number(new TextDecoder().decode((await reader.read()).value))
  try {
    expect(() => lockDataFolder(at.config.dataDir, libc)).toThrow(`process ${holder.pid}`)
    holder.kill('SIGKILL')
    await holder.exited
    lockDataFolder(at.config.dataDir, libc).release()
  } finally {
    process.kill(child, 'SIGKILL')
  }
})
