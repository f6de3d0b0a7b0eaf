// Secrets go in and never come out: every answer of the admin API, every stream, every file and the daemon's own
// output are searched for values that were given.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, repository } from '../support/daemon'
import { everyFile } from '../support/files'
import { type Keyring, startKeyring } from '../support/keyring'
import { startSourceDaemon } from '../support/source-daemon'

const canaries = { env: 'canary-env-5e0b41', header: 'canary-header-7a9d22', again: 'canary-again-c30f58' }
const spellings = (text: string) => [
  text,
  Buffer.from(text).toString('base64').replace(/=+$/, ''),
  Buffer.from(text).toString('hex'),
  encodeURIComponent(text),
  [...text].reverse().join(''),
]
const everySpelling = Object.values(canaries).flatMap(spellings)
const leaks = (text: string) => everySpelling.filter((canary) => text.includes(canary))

let keyring: Keyring
let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let ids: string[] = []
beforeAll(async () => {
  keyring = await startKeyring()
  daemon = await startSourceDaemon(keyring.env)
  const add = async (name: string, definition: object, inputs: object[]) => {
    const spaces = (await (await daemon.fetch('/spaces')).json()) as { id: string }[]
    const body = JSON.stringify({
      spaceId: spaces[0]?.id,
      name,
      definition,
      inputs,
      source: 'cli',
      consent: { givenBy: 'cli' },
    })
    const answer = await daemon.fetch('/servers', { method: 'POST', body })
    const text = await answer.text()
    expect([answer.status, leaks(text)]).toEqual([200, []])
    return (JSON.parse(text) as { id: string }).id
  }
  const program = join(repository, 'tests/servers/raw-stdio.ts')
  ids = [
    await add(
      'local',
      {
        type: 'stdio',
        command: process.execPath,
        args: [program],
        env: { API_KEY: '${input:API_KEY}' },
        cwd: null,
      },
      [{ id: 'API_KEY', secret: true, value: canaries.env }],
    ),
    await add(
      'remote',
      { type: 'http', url: 'http://127.0.0.1:9/mcp', headers: { Authorization: '${input:auth}' } },
      [{ id: 'auth', secret: true, value: canaries.header }],
    ),
  ]
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await keyring[Symbol.asyncDispose]()
})

async function text(method: string, path: string, body?: unknown): Promise<string> {
  const answer = await daemon.fetch(path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return answer.text()
}

test('[threat.26] no read answers with a secret, in any spelling', async () => {
  const [local = '', remote = ''] = ids
  const reads = ['/status', '/servers', '/spaces', '/clients', '/keys', '/sets', '/tools', '/settings']
  for (const path of [...reads, ...ids.map((id) => `/servers/${id}`)]) {
    const answer = await text('GET', path)
    expect(answer.length).toBeGreaterThan(1)
    expect([path, leaks(answer)]).toEqual([path, []])
  }
  const shown = JSON.parse(await text('GET', `/servers/${local}`)) as { inputs: unknown }
  expect(shown.inputs).toEqual([{ id: 'API_KEY', secret: true, value: null, isSet: true }])
  expect(leaks(await text('POST', `/servers/${remote}/connect`, {}))).toEqual([])
})

test('[threat.26] no change answers with a secret, whether it succeeds or fails', async () => {
  const [local = '', remote = ''] = ids
  const secret = canaries.again
  const answers = [
    await text('PUT', `/servers/${remote}/values`, { values: [{ id: 'auth', value: secret }] }),
    await text('PUT', `/servers/${remote}/values`, { values: [{ id: secret, value: secret }] }),
    await text('PUT', `/servers/${remote}/values`, { values: [{ id: 'auth', value: `${secret}\r\nx` }] }),
    await text('PUT', `/servers/${remote}/values`, { values: secret }),
    await text('PATCH', `/servers/${local}`, { inputs: [{ id: 'API_KEY', secret: false, value: secret }] }),
    await text('PATCH', `/servers/${local}`, {
      inputs: [{ id: 'API_KEY', secret: true, value: { a: secret } }],
    }),
    await text('PATCH', `/servers/${local}`, { [secret]: 1 }),
    await text('POST', '/keys', { client: 'x', [secret]: secret }),
    await text('POST', `/servers/${local}/connect`, {}),
    await text('POST', `/servers/${local}/restart`, {}),
  ]
  for (const answer of answers) expect(leaks(answer)).toEqual([])
})

test('[threat.26] the event stream carries no secret', async () => {
  const stop = new AbortController()
  const answer = await daemon.fetch('/events', { signal: stop.signal })
  let seen = ''
  for await (const chunk of answer.body ?? []) {
    if (seen === '') {
      void text('PUT', `/servers/${ids[1]}/values`, { values: [{ id: 'auth', value: canaries.header }] })
    }
    seen += new TextDecoder().decode(chunk)
    if (seen.includes('event: server')) break
  }
  stop.abort()
  expect(seen).toContain('event: snapshot')
  expect(leaks(seen)).toEqual([])
})

test('[threat.26] the command line shows no secret', async () => {
  for (const args of [
    ['show', 'local'],
    ['show', 'remote', '--json'],
    ['list', '--json'],
    ['status', '--json'],
    ['status'],
  ]) {
    const { code, stdout, stderr } = await daemon.cli(args)
    expect([args, code, leaks(stdout + stderr)]).toEqual([args, 0, []])
  }
})

test('[threat.26] a key is shown at creation and at no other time', async () => {
  const { key } = JSON.parse(await text('POST', '/keys', { client: 'once' })) as { key: string }
  expect(key).toStartWith('mcp_')
  for (const path of ['/keys', '/clients', '/status']) expect(await text('GET', path)).not.toContain(key)
  expect(everyFile(daemon.dataDir)).not.toContain(key)
  // What was said is read in the background, in order.
  const mark = daemon.log().length
  await text('PATCH', `/servers/${ids[0] ?? ''}`, { enabled: true })
  await eventually(daemon.log, (log) => log.length > mark)
  expect(daemon.log()).not.toContain(key)
})

test("[threat.26] neither the data folder nor the daemon's own output holds a secret", () => {
  expect(leaks(everyFile(daemon.dataDir))).toEqual([])
  expect(leaks(daemon.log())).toEqual([])
  expect(leaks(readFileSync(`/proc/${daemon.pid}/cmdline`, 'latin1'))).toEqual([])
})

test("[threat.26] a secret is in the environment of its own server's processes, and in no other's, nor in any argv", async () => {
  const { key } = JSON.parse(await text('POST', '/keys', { client: 'argv' })) as { key: string }
  const program = join(repository, 'tests/servers/raw-stdio.ts')
  expect((await daemon.cli(['add', 'neighbour', '--yes', '--', process.execPath, program])).code).toBe(0)
  await text('POST', `/servers/${ids[0] ?? ''}/connect`, {})
  const read = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1')
    } catch {
      return ''
    }
  }
  const given: string[] = []
  for (const pid of readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && name !== String(process.pid),
  )) {
    const argv = read(pid, 'cmdline')
    expect([argv, leaks(argv), argv.includes(key)]).toEqual([argv, [], false])
    const environment = read(pid, 'environ')
    expect(environment.includes(key)).toBe(false)
    if (leaks(environment).length > 0) given.push(argv)
  }
  expect(given.length).toBe(1)
  expect(given[0]).toContain('raw-stdio.ts')
})
