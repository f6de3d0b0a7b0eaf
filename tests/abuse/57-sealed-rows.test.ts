// One row that does not open in each table of sealed values that servers have, in a whole gateway.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { startEvilAs } from '../support/evil-as'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

const raw = [process.execPath, join(repository, 'tests/servers/scripted-stdio.ts'), 'shows-environment']
const TOKEN = 'canary-token-5757'
/** Two of each kind: one is damaged, the other has to go on. */
const names = ['input', 'shared', 'token', 'client'].flatMap((kind) => [`${kind}-broken`, `${kind}-whole`])
const toolOf = (name: string) => `${name}/${/^(input|shared)/.test(name) ? 'environment' : 'whoami'}`

interface Row {
  id: string
  name: string
}
const post = (daemon: SourceDaemon, path: string, body: object = {}) =>
  daemon.fetch(path, { method: 'POST', body: JSON.stringify(body) })
const serversOf = async (daemon: SourceDaemon) => (await (await daemon.fetch('/servers')).json()) as Row[]

test('[threat.57] one damaged row of each sealed table costs exactly the server it is of, and stays as it is', async () => {
  await using open = await startEvilAs()
  await using secretive = await startEvilAs({ authMethods: ['client_secret_basic'] })
  using home = tempHome()
  const kept = { ...home, [Symbol.dispose]: () => undefined }
  const file = join(home.home, 'data', 'mcpmux.db')
  {
    await using daemon = await startSourceDaemon({}, kept)
    const { cli } = daemon
    await cli(['vault', 'use', 'insecure', '--yes'])
    for (const end of ['broken', 'whole']) {
      const env = { API_TOKEN: TOKEN }
      await cli(['add', `input-${end}`, '--env', 'API_TOKEN', '--yes', '--', ...raw], { env })
      await cli(['secret', 'set', `SHARED-${end}`], { stdin: TOKEN })
      const value = `API_TOKEN=\${secret:SHARED-${end}}`
      await cli(['add', `shared-${end}`, '--env', value, '--yes', '--', ...raw])
      for (const [kind, { mcpUrl }] of [
        ['token', open],
        ['client', secretive],
      ] as const)
        await cli(['add', `${kind}-${end}`, '--yes', '--url', mcpUrl])
    }
    for (const [kind, evil] of [
      ['token', open],
      ['client', secretive],
    ] as const)
      for (const { id } of (await serversOf(daemon)).filter(({ name }) => name.startsWith(kind))) {
        const { url } = (await (await post(daemon, `/servers/${id}/login`)).json()) as { url: string }
        await (await fetch(await evil.browse(url))).text()
      }
    for (const name of names)
      expect([name, (await cli(['call', toolOf(name), '{}'])).code]).toEqual([name, 0])
  }
  const damaged = ['credentials', 'oauth_tokens', 'oauth_registrations', 'space_secrets']
  const zeroes = () => {
    const db = new Database(file)
    const rows = damaged.map((table) =>
      db.prepare(`SELECT count(*) AS n FROM ${table} WHERE envelope = zeroblob(60)`).get(),
    )
    db.close()
    return rows
  }
  const db = new Database(file)
  const of = (name: string) => `(SELECT id FROM servers WHERE name = '${name}')`
  db.run(`UPDATE credentials SET envelope = zeroblob(60) WHERE server_id = ${of('input-broken')}`)
  db.run(`UPDATE oauth_tokens SET envelope = zeroblob(60) WHERE server_id = ${of('token-broken')}`)
  db.run(`UPDATE oauth_registrations SET envelope = zeroblob(60) WHERE server_id = ${of('client-broken')}`)
  db.run("UPDATE space_secrets SET envelope = zeroblob(60) WHERE name = 'SHARED-broken'")
  db.close()
  expect(zeroes()).toEqual(damaged.map(() => ({ n: 1 })))
  // So that the client secret is needed.
  secretive.grants.expireAccess()

  await using daemon = await startSourceDaemon({}, kept)
  for (const name of names) {
    const { code, stderr } = await daemon.cli(['call', toolOf(name), '{}'])
    const broken = name.endsWith('broken')
    expect([name, code === 0, stderr.includes('credential.unreadable')]).toEqual([name, !broken, broken])
  }
  const { stdout } = await daemon.cli(['vault', 'rotate'])
  const unread = [...stdout.matchAll(/^unread +(.*): it does not open, and stays as it is$/gm)]
  expect(unread.map(([, what]) => what).toSorted()).toEqual([
    `client id of client-broken (Default) at ${secretive.issuer}`,
    'secret SHARED-broken of the Space Default',
    `sign-in of token-broken (Default) at ${open.issuer}`,
    'value API_TOKEN of input-broken (Default)',
  ])
  expect(zeroes()).toEqual(damaged.map(() => ({ n: 1 })))
  daemon.kill('SIGTERM')
  expect(await daemon.exited).toBe(0)
}, 120_000)
