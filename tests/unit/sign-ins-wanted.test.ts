import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { openDatabase } from '../../gateway/store/database'
import { migrations } from '../../gateway/store/migrations'
import { createServerStore } from '../../gateway/store/servers'
import { createSpaceStore } from '../../gateway/store/spaces'
import { manualClock, openStores, tempFolder, tempStores } from '../support/temp-store'

const remote = (url: string) => ({ type: 'http', url, headers: {} }) as const

test('[oauth.flow] that a server wants a sign-in is kept until it is another one, or gone', () => {
  using stores = tempStores()
  const { servers, signInWants, spaces } = stores
  const [one, two] = ['one', 'two'].map((name) =>
    servers.create({
      ...{ spaceId: spaces.active().id, name, alias: name, source: 'test' },
      definition: remote(`https://${name}.example/mcp`),
    }),
  )
  const ids = [one?.id ?? '', two?.id ?? '']
  const known = () => ids.map(signInWants.has)
  for (const id of [...ids, ...ids, 'nobody']) signInWants.add(id)
  expect([...known(), signInWants.has('nobody')]).toEqual([true, true, false])
  servers.update(ids[0] ?? '', { name: 'another name' })
  expect(known()).toEqual([true, true])
  servers.update(ids[0] ?? '', { definition: remote('https://elsewhere.example/mcp') })
  expect(known()).toEqual([false, true])
  servers.remove(ids[1] ?? '')
  expect(known()).toEqual([false, false])
})

test('[oauth.flow] [threat.60] servers with a sign-in of the time before this was kept are known for it', () => {
  using folder = tempFolder()
  const file = join(folder.path, 'mcpmux.db')
  const clock = manualClock()
  const old = openDatabase(file, clock, { migrations: migrations.slice(0, 14) })
  const servers = createServerStore(old, clock)
  const spaceId = createSpaceStore(old, clock).active().id
  const [signedIn, registered, given, plain] = ['a', 'b', 'c', 'd'].map((name) =>
    servers.create({
      spaceId,
      name,
      alias: name,
      source: 'test',
      definition: remote(`https://${name}.example/`),
    }),
  )
  const bound = { serverId: signedIn?.id ?? '', spaceId }
  old
    .statement(
      `INSERT INTO oauth_tokens (server_id, space_id, issuer, resource, client_id, version, key_id, envelope, issued_at)
       VALUES ($serverId, $spaceId, 'https://as.example', 'https://a.example/', 'us', 1, 'k', x'00', 1)`,
    )
    .run(bound)
  for (const [server, kind] of [
    [registered, 'dynamic'],
    [given, 'given'],
  ] as const)
    old
      .statement(
        `INSERT INTO oauth_registrations (server_id, space_id, issuer, kind, client_id, auth_method, redirect_uri, created_at)
         VALUES ($serverId, $spaceId, 'https://as.example', $kind, 'us', 'none', 'http://127.0.0.1/x', 1)`,
      )
      .run({ serverId: server?.id ?? '', spaceId, kind })
  old.close()
  using stores = openStores(file, clock)
  const all = [signedIn, registered, given, plain].map((server) => stores.signInWants.has(server?.id ?? ''))
  expect(all).toEqual([true, true, false, false])
})
