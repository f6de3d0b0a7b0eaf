// What was written down, on the command line: read back, filtered, followed, and after the gateway ended.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, repository } from '../support/daemon'
import { program, startSourceDaemon } from '../support/source-daemon'

const evil = (mode: string) => [process.execPath, join(repository, 'tests/servers/evil-stdio.ts'), mode]

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
beforeAll(async () => {
  daemon = await startSourceDaemon({}, undefined, [])
  await daemon.cli(['add', 'good', '--yes', '--', ...evil('banner')])
  await daemon.cli(['add', 'dies', '--yes', '--', ...evil('dies-at-start')])
})
afterAll(() => daemon[Symbol.asyncDispose]())

const logs = async (...args: string[]) => {
  const { code, stdout, stderr } = await daemon.cli(['logs', ...args])
  if (code !== 0) throw new Error(`logs ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trimEnd().split('\n')
}

test('[logs][cli] a server has a log of its own: its words, what was wrong with them, how it is', async () => {
  const lines = await logs('dies')
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z debug {3}Connection is started$/)
  expect(lines.some((line) => line.endsWith('info    Connection cannot find my configuration'))).toBe(true)
  expect(lines.some((line) => /error {3}Connection .*ended with code 3.*upstream\.lost/.test(line))).toBe(
    true,
  )
  const transport = await logs('good', '--source', 'transport', '--level', 'warn')
  expect(transport.length).toBeGreaterThan(0)
  expect(transport.every((line) => line.includes(' warning Transport '))).toBe(true)
})

test('[logs][cli] without a name it is the gateway itself, --audit is who changed what, --all is everything', async () => {
  expect((await logs()).some((line) => / info {4}Gateway {4}McpMux .* serves http/.test(line))).toBe(true)
  const audit = await logs('--audit')
  expect(audit.every((line) => line.includes(' Audit '))).toBe(true)
  expect(audit.some((line) => /POST \/servers by .+ \(\d+\)$/.test(line))).toBe(true)
  const all = await logs('--all')
  expect(all.some((line) => line.includes('Connection dies: cannot find my configuration'))).toBe(true)
  expect(all).toEqual(all.toSorted((a, b) => (a.slice(0, 24) < b.slice(0, 24) ? -1 : 0)))
  expect(all).toHaveLength(new Set(all).size)
})

test('[logs][cli] --json prints one JSON object on each line, -n the newest, --since the recent', async () => {
  const lines = (await logs('dies', '--json', '-n', '2')).map((line) => JSON.parse(line) as object)
  expect(lines).toHaveLength(2)
  for (const line of lines)
    expect(line).toEqual(
      expect.objectContaining({ time: expect.any(String), level: expect.any(String), source: 'Connection' }),
    )
  expect(await logs('--since', '1h')).toEqual(await logs())
  const future = await daemon.cli(['logs', '--since', '2999-01-01'])
  expect(future).toEqual({ code: 0, stdout: '', stderr: 'no lines\n' })
})

test('[logs][cli] -f goes on with what comes', async () => {
  const child = Bun.spawn([...program, 'logs', 'dies', '-f', '-n', '1', '--data-dir', daemon.dataDir], {
    env: { PATH: process.env.PATH ?? '', HOME: daemon.home, XDG_RUNTIME_DIR: daemon.home },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  let seen = ''
  const reading = (async () => {
    for await (const chunk of child.stdout) seen += new TextDecoder().decode(chunk)
  })()
  const count = () => seen.split('\n').length - 1
  await eventually(count, (lines) => lines > 0)
  const before = count()
  await daemon.cli(['restart', 'dies'])
  await eventually(count, (lines) => lines >= before + 3)
  expect(seen).toContain('cannot find my configuration')
  child.kill()
  await reading
})

test('[logs][admin] a live view begins at once, also when there is nothing to say, and ends when it is left', async () => {
  const stop = new AbortController()
  const answer = await daemon.fetch('/logs/stream?of=audit&limit=0&level=error', { signal: stop.signal })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    expect.stringContaining('text/event-stream'),
  ])
  const first = await answer.body?.getReader().read()
  expect(new TextDecoder().decode(first?.value)).toContain('event: start')
  stop.abort()
})

test('[logs][cli] wrong words say what is possible', async () => {
  for (const [args, says] of [
    [['--level', 'loud'], 'debug, info, warning, error'],
    [['--source', 'x'], 'Connection, OAuth, Transport, MCP, Feature'],
    [['--since', 'yesterday'], '10m'],
    [['-n', '10001'], '10000'],
    [['good', '--all'], 'choose one'],
  ] as const) {
    const { code, stderr } = await daemon.cli(['logs', ...args])
    expect([args, code, stderr.includes(says)]).toEqual([args, 2, true])
  }
  const unknown = await daemon.cli(['logs', 'nobody'])
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('server.unknown')])
})

test('[logs] the log of a removed server goes with it, also when its Space is removed', async () => {
  await daemon.cli(['space', 'create', 'Short'])
  await daemon.cli(['add', 'one', '--yes', '--', ...evil('banner')])
  await daemon.cli(['add', 'two', '--space', 'Short', '--yes', '--', ...evil('banner')])
  const idOf = async (...args: string[]) =>
    (JSON.parse((await daemon.cli(['show', ...args, '--json'])).stdout) as { id: string }).id
  const files = [await idOf('one'), await idOf('two', '--space', 'Short')].map((id) =>
    join(daemon.dataDir, 'logs', `${id}.ndjson`),
  )
  expect(files.map(existsSync)).toEqual([true, true])
  await daemon.cli(['remove', 'one', '--yes'])
  await daemon.cli(['space', 'remove', 'Short', '--yes'])
  expect(files.map(existsSync)).toEqual([false, false])
})

test('[threat.74] who changed what, what was started and which keys were refused is written to a file of its own', async () => {
  const post = (key: string) =>
    fetch(daemon.mcpUrl, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body: '{}' })
  for (let n = 0; n < 60; n++) await (await post(`mcp_${'x'.repeat(43)}`)).text()
  await daemon.cli(['key', 'create', 'agent'])
  const audit = await logs('--audit', '-n', '10000')
  const refused = audit.filter((line) => line.includes('a client was refused: its key does not count'))
  // Guessing does not push out what else is there.
  expect([refused.length > 0, refused.length < 25]).toEqual([true, true])
  expect(audit.some((line) => line.includes('POST /keys'))).toBe(true)
  expect(audit.some((line) => line.includes('good: is started'))).toBe(true)
  expect(audit.join('\n')).not.toContain('mcp_x')
})

test('[logs][cli] what the gateway wrote can be read when it no longer runs', async () => {
  await using other = await startSourceDaemon({}, undefined, [])
  await other.cli(['add', 'good', '--yes', '--', ...evil('banner')])
  other.kill('SIGKILL')
  await other.exited
  const { code, stdout, stderr } = await other.cli(['logs'])
  expect([code, stderr]).toEqual([0, expect.stringContaining('is not running')])
  expect(stdout).toContain('good: connected')
  expect((await other.cli(['logs', 'good'])).code).toBe(3)
  expect(readdirSync(join(other.dataDir, 'logs')).length).toBe(3)
})
