// One byte of what a person approved becomes another, straight in the database, while the gateway runs and while it
// does not, and by the API. No process starts and nothing is contacted until the new form is approved.
import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConsentView } from '../../gateway/admin/consents'
import { repository } from '../support/daemon'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

const place = tempHome()
const started = join(place.home, 'started')
const starts = () => (existsSync(started) ? readFileSync(started, 'utf8').length : 0)
let asked = 0
const remote = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch() {
    asked += 1
    return new Response('no', { status: 404 })
  },
})
const url = `http://127.0.0.1:${remote.port}/mcp`

let daemon: SourceDaemon
let spaceId = ''
const ask = async <T = { id: string; code?: string }>(method: string, path: string, body: unknown = {}) => {
  const sent = method === 'GET' ? {} : { body: JSON.stringify(body) }
  return (await (await daemon.fetch(path, { method, ...sent })).json()) as T
}

interface Case {
  what: string
  definition: Record<string, unknown>
  /** The one change, in SQL over a row of `servers` (or its inputs) named by `$id`. */
  sql: string
  /** The same as a patch; null where the API offers none. */
  patch: Record<string, unknown> | null
  inputs?: object[]
  /** What the diff says. */
  change: { what: string; before: string | null; after: string | null }
}
const set = (path: string, value: string) =>
  `UPDATE servers SET definition = json_set(definition, '${path}', '${value}') WHERE id = $id`

function cases(): Case[] {
  const command = join(place.home, 'run')
  const stdio = {
    type: 'stdio',
    command,
    args: ['one', 'two'],
    env: { LEVEL: 'a' },
    cwd: join(place.home, 'a'),
  }
  const http = { type: 'http', url, headers: { 'X-Mode': 'a' } }
  const other = { ...stdio, cwd: join(place.home, 'b') }
  return [
    {
      what: 'command',
      definition: stdio,
      sql: set('$.command', join(place.home, 'ruo')),
      patch: { definition: { ...stdio, command: join(place.home, 'ruo') } },
      change: { what: 'command', before: command, after: join(place.home, 'ruo') },
    },
    {
      what: 'argument',
      definition: stdio,
      sql: set('$.args[1]', 'twp'),
      patch: { definition: { ...stdio, args: ['one', 'twp'] } },
      change: { what: 'argument 2', before: 'two', after: 'twp' },
    },
    {
      what: 'empty argument',
      definition: stdio,
      sql: `UPDATE servers SET definition = json_insert(definition, '$.args[#]', '') WHERE id = $id`,
      patch: { definition: { ...stdio, args: ['one', 'two', ''] } },
      change: { what: 'argument 3', before: null, after: '' },
    },
    {
      what: 'environment name',
      definition: stdio,
      sql: `UPDATE servers SET definition = json_set(definition, '$.env', json('{"LEVEM":"a"}')) WHERE id = $id`,
      patch: { definition: { ...stdio, env: { LEVEM: 'a' } } },
      change: { what: 'environment LEVEM', before: null, after: 'a' },
    },
    {
      what: 'environment value',
      definition: stdio,
      sql: set('$.env.LEVEL', 'b'),
      patch: { definition: { ...stdio, env: { LEVEL: 'b' } } },
      change: { what: 'environment LEVEL', before: 'a', after: 'b' },
    },
    {
      what: 'folder',
      definition: stdio,
      sql: set('$.cwd', other.cwd),
      patch: { definition: other },
      change: { what: 'folder', before: stdio.cwd, after: other.cwd },
    },
    {
      what: 'value of an input',
      definition: { ...stdio, env: { LEVEL: '${input:level}' } },
      inputs: [{ id: 'level', secret: false, value: 'a' }],
      sql: "UPDATE server_inputs SET value = 'b' WHERE server_id = $id",
      patch: { inputs: [{ id: 'level', secret: false, value: 'b' }] },
      change: { what: 'value level', before: 'a', after: 'b' },
    },
    {
      what: 'value in an argument',
      definition: { ...stdio, args: ['one', '${input:level}'] },
      inputs: [{ id: 'level', secret: false, value: 'a' }],
      sql: "UPDATE server_inputs SET value = 'b' WHERE server_id = $id",
      patch: { inputs: [{ id: 'level', secret: false, value: 'b' }] },
      change: { what: 'value level', before: 'a', after: 'b' },
    },
    {
      what: 'default of an input',
      definition: { ...stdio, args: ['one', '${input:level}'] },
      inputs: [{ id: 'level', secret: false, value: null, default: 'a' }],
      sql: "UPDATE server_inputs SET default_value = 'b' WHERE server_id = $id",
      patch: { inputs: [{ id: 'level', secret: false, value: null, default: 'b' }] },
      change: { what: 'value level', before: 'a', after: 'b' },
    },
    {
      what: 'number of arguments of an input',
      definition: { ...stdio, args: ['one', '${input:level}'] },
      inputs: [{ id: 'level', secret: false, value: 'a\nb' }],
      sql: 'UPDATE server_inputs SET multiple = 1 WHERE server_id = $id',
      patch: { inputs: [{ id: 'level', secret: false, value: 'a\nb', multiple: true }] },
      change: { what: 'values level', before: null, after: 'a\nb' },
    },
    {
      what: 'secret it is given',
      definition: { ...stdio, env: { LEVEL: '${env:HOME}' } },
      sql: set('$.env.LEVEL', '${env:HOMX}'),
      patch: { definition: { ...stdio, env: { LEVEL: '${env:HOMX}' } } },
      change: { what: 'environment LEVEL', before: '${env:HOME}', after: '${env:HOMX}' },
    },
    {
      what: 'source',
      definition: stdio,
      sql: "UPDATE servers SET source = 'demo' WHERE id = $id",
      patch: null,
      change: { what: 'from', before: 'cli', after: 'demo' },
    },
    {
      what: 'url',
      definition: http,
      sql: set('$.url', `${url.slice(0, -1)}q`),
      patch: { definition: { ...http, url: `${url.slice(0, -1)}q` } },
      change: { what: 'url', before: url, after: `${url.slice(0, -1)}q` },
    },
    {
      what: 'header',
      definition: http,
      sql: set('$.headers."X-Mode"', 'b'),
      patch: { definition: { ...http, headers: { 'X-Mode': 'b' } } },
      change: { what: 'header X-Mode', before: 'a', after: 'b' },
    },
  ]
}

beforeAll(async () => {
  for (const name of ['run', 'ruo']) {
    const program = join(repository, 'tests/servers/raw-stdio.ts')
    writeFileSync(
      join(place.home, name),
      `#!/bin/sh\nprintf x >> '${started}'\nexec '${process.execPath}' '${program}'\n`,
    )
    chmodSync(join(place.home, name), 0o700)
  }
  for (const name of ['a', 'b']) mkdirSync(join(place.home, name))
  daemon = await startSourceDaemon({}, place)
  const [space] = await ask<{ id: string }[]>('GET', '/spaces')
  spaceId = space?.id ?? ''
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await remote.stop(true)
})

/** Adds a server for each case, approved, and connects it once. */
async function add(prefix: string, most = 99): Promise<{ id: string; name: string; one: Case }[]> {
  const added: { id: string; name: string; one: Case }[] = []
  const before = starts() + asked
  for (const [i, one] of cases().slice(0, most).entries()) {
    const name = `${prefix}-${i}`
    const { definition, inputs = [] } = one
    const body = {
      spaceId,
      name,
      definition,
      inputs,
      source: 'cli',
      keepRunning: true,
      consent: { givenBy: 'cli' },
    }
    const { id } = await ask('POST', '/servers', body)
    added.push({ id, name, one })
  }
  await Promise.all(added.map(({ id }) => ask('POST', `/servers/${id}/connect`)))
  // The canaries can sing.
  expect(starts() + asked - before).toBeGreaterThanOrEqual(added.length)
  await Promise.all(added.map(({ id }) => ask('POST', `/servers/${id}/stop`)))
  return added
}

const quiet = async (added: readonly { id: string; one: Case }[], when: string) => {
  const before = [starts(), asked]
  for (const { id, one } of added) {
    for (const path of ['connect', 'restart', 'call?tool=echo']) await ask('POST', `/servers/${id}/${path}`)
    await ask('PATCH', `/servers/${id}`, { enabled: false })
    await ask('PATCH', `/servers/${id}`, { enabled: true })
    const { state } = await ask<{ state: { status: string } }>('GET', `/servers/${id}`)
    expect([when, one.what, state.status]).toEqual([when, one.what, 'needs_consent'])
  }
  expect([when, starts(), asked]).toEqual([when, ...before])
}

const shown = async (id: string) => {
  const view = await ask<ConsentView>('GET', `/consents/${id}`)
  return { waits: view.waits, changes: view.changes, given: view.given }
}

function edit(added: readonly { id: string; one: Case }[]): void {
  using database = new Database(join(daemon.dataDir, 'mcpmux.db'))
  for (const { id, one } of added) expect(database.query(one.sql).run({ $id: id }).changes).toBe(1)
}

test('[threat.46] one byte changed in the database: nothing starts, now or after a restart, until it is approved', async () => {
  const added = await add('db')
  edit(added)
  await quiet(added, 'while it runs')
  for (const { id, one } of added)
    expect([one.what, await shown(id)]).toEqual([
      one.what,
      { waits: 'changed', given: null, changes: expect.arrayContaining([one.change]) },
    ])

  // As after an import of the file: changed while nobody looks, and to be kept running.
  const offline = await add('offline')
  await daemon.cli(['quit'])
  edit(offline)
  const before = [starts(), asked]
  daemon = await startSourceDaemon({}, place)
  await quiet(offline, 'after a restart')
  expect([starts(), asked]).toEqual(before as [number, number])
  const list = await daemon.cli(['consent'])
  expect(list.code).toBe(0)
  for (const { name, one } of offline) {
    expect(list.stdout).toContain(`${name} in Space Default: it is not what was approved`)
    expect(list.stdout).toContain(`changed  ${one.change.what}`)
  }
  const [first] = offline
  const refused = await daemon.cli(['consent', 'offline-0'])
  expect([refused.code, refused.stderr.includes('ruo'), starts()]).toEqual([4, true, before[0] ?? 0])
  const given = await daemon.cli(['consent', 'offline-0', '--yes'])
  expect([given.code, given.stdout]).toEqual([0, expect.stringContaining('approved')])
  await ask('POST', `/servers/${first?.id}/connect`)
  expect(starts()).toBeGreaterThan(before[0] ?? 0)
  expect((await shown(first?.id ?? '')).waits).toBe(null)
}, 120_000)

test('[threat.46] one byte changed by the API: nothing starts until it is approved, not even when it is changed back', async () => {
  const added = (await add('api')).filter(({ one }) => one.patch !== null)
  for (const { id, one } of added) await ask('PATCH', `/servers/${id}`, one.patch)
  await quiet(added, 'by the API')
  for (const { id, one } of added)
    expect([one.what, (await shown(id)).changes]).toEqual([one.what, expect.arrayContaining([one.change])])
  const [first] = added
  await ask('PATCH', `/servers/${first?.id}`, { definition: first?.one.definition })
  await quiet(added.slice(0, 1), 'changed back')
  expect(await shown(first?.id ?? '')).toMatchObject({ waits: 'withdrawn', changes: [] })
}, 120_000)

test('[threat.46] an approval that is taken back stops the server, and what was approved is still known', async () => {
  const [server] = await add('back', 1)
  await ask('POST', `/servers/${server?.id}/connect`)
  const { code, stdout } = await daemon.cli(['consent', '--withdraw', 'back-0'])
  expect([code, stdout]).toEqual([0, 'back-0: approval withdrawn, stopped\n'])
  await quiet(server ? [server] : [], 'withdrawn')
  expect((await daemon.cli(['consent'])).stdout).toContain(
    'back-0 in Space Default: its approval was withdrawn',
  )
})

test('[threat.46] an approval somebody wrote into the database is none, whatever it says it was for', async () => {
  const [server] = await add('forged', 1)
  const now = await ask<ConsentView>('GET', `/consents/${server?.id}`)
  {
    using database = new Database(join(daemon.dataDir, 'mcpmux.db'))
    const { form } = database
      .query<{ form: string }, { $id: string }>('SELECT form FROM consents WHERE server_id = $id')
      .get({ $id: server?.id ?? '' }) as { form: string }
    expect(JSON.parse(form)).toMatchObject({ definition: now.definition, source: 'cli' })
    // The command and the form agree; the seal is the one of before.
    const forged = form.replace(join(place.home, 'run'), join(place.home, 'ruo'))
    expect(forged).not.toBe(form)
    database.query('UPDATE consents SET form = $forged WHERE server_id = $id').run({
      $forged: forged,
      $id: server?.id ?? '',
    })
    database.query(cases()[0]?.sql ?? '').run({ $id: server?.id ?? '' })
  }
  expect(await shown(server?.id ?? '')).toEqual({ waits: 'unproven', changes: null, given: null })
  await quiet(server ? [server] : [], 'forged')
})
