// A Space as a second one and as a file, by the admin API and the command line.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { Secret } from '../../gateway/secrets/secret'
import { plainServer, tempAdmin } from '../support/admin'
import { repository } from '../support/daemon'
import { startSourceDaemon } from '../support/source-daemon'

const SECRET = 'a secret of the original'

async function furnished() {
  const admin = tempAdmin()
  await admin.deps.vault.unlock(null)
  const { data: work } = await admin.api.spaces.post({ name: 'Work', icon: '★' })
  const spaceId = work?.id ?? ''
  const { data: server } = await admin.api.servers.post({
    ...plainServer(spaceId),
    name: 'Git Hub',
    alias: 'github',
    definition: { type: 'stdio', command: 'x', args: ['-y'], env: { TOKEN: '${input:TOKEN}' }, cwd: null },
    inputs: [{ id: 'TOKEN', secret: true, value: SECRET }],
  })
  const serverId = server?.id ?? ''
  const inner = admin.stores.sets.create(spaceId, 'Inner', [
    { mode: 'include', target: { type: 'feature', serverId, kind: 'tool', name: 'get*' } },
  ])
  const outer = admin.stores.sets.create(spaceId, 'Outer', [
    { mode: 'include', target: { type: 'set', setId: inner.id } },
    { mode: 'exclude', target: { type: 'pattern', pattern: '*delete*' } },
  ])
  // Older than what it names: the order of the copies must not matter.
  admin.stores.sets.setMembers(inner.id, [
    ...inner.members,
    { mode: 'exclude', target: { type: 'server', serverId } },
  ])
  admin.stores.spaces.update(spaceId, { defaultSetId: outer.id })
  return { admin, spaceId, server: { id: serverId, spaceId } }
}

test('[space.isolation] a duplicate has servers and sets of its own, and nothing of the original is in it', async () => {
  const { admin, spaceId, server } = await furnished()
  using _ = admin
  const { data: made } = await admin.api
    .spaces({ id: spaceId })
    .duplicate.post({ name: 'Play', secrets: false })
  const id = made?.space.id ?? ''
  expect(made).toMatchObject({ space: { name: 'Play', icon: '★' }, servers: 1, needConsent: 1 })
  const [copy] = admin.stores.servers.list(id)
  expect(copy).toMatchObject({ name: 'Git Hub', alias: 'github' })
  expect(copy?.id).not.toBe(server.id)
  expect(admin.deps.secrets.get({ id: copy?.id ?? '', spaceId: id }, 'TOKEN')).toEqual({ state: 'absent' })
  expect(admin.deps.consents.of(admin.stores.servers.get(copy?.id ?? ''))).toBeNull()
  const sets = admin.stores.sets.list(id)
  const named = (name: string) => sets.find((set) => set.name === name)
  expect(made?.space.defaultSetId).toBe(named('Outer')?.id ?? '')
  expect(named('Outer')?.members[0]?.target).toEqual({ type: 'set', setId: named('Inner')?.id ?? '' })
  expect(named('Inner')?.members.map(({ target }) => 'serverId' in target && target.serverId)).toEqual([
    copy?.id ?? '',
    copy?.id ?? '',
  ])
  expect(JSON.stringify(sets)).not.toContain(spaceId)
  expect(admin.stores.clients.grants()).toEqual([])
  // The original stands on its own.
  await admin.api.spaces({ id: spaceId }).delete({})
  expect(admin.stores.servers.list(id).length).toBe(1)
})

test('[cred.encrypted] secrets go along when a person says so, sealed for their new place', async () => {
  const { admin, spaceId } = await furnished()
  using _ = admin
  admin.deps.namedSecrets.set(spaceId, 'shared', new Secret(SECRET))
  const { data: bare } = await admin.api
    .spaces({ id: spaceId })
    .duplicate.post({ name: 'Bare', secrets: false })
  expect(admin.deps.namedSecrets.list(bare?.space.id ?? '')).toEqual([])
  const { data: made } = await admin.api
    .spaces({ id: spaceId })
    .duplicate.post({ name: 'Play', secrets: true })
  const named = admin.deps.namedSecrets.get(made?.space.id ?? '', 'shared')
  expect(named.state === 'present' && named.value.reveal()).toBe(SECRET)
  const id = made?.space.id ?? ''
  const [copy] = admin.stores.servers.list(id)
  const stored = admin.deps.secrets.get({ id: copy?.id ?? '', spaceId: id }, 'TOKEN')
  expect(stored.state === 'present' && stored.value.reveal()).toBe(SECRET)
  const sealed = admin.stores.db.statement<{ envelope: Uint8Array }>('SELECT envelope FROM credentials').all()
  expect(new Set(sealed.map(({ envelope }) => Buffer.from(envelope).toString('hex'))).size).toBe(2)
})

test('[threat.26] an export tells everything of a Space but its secrets', async () => {
  const { admin, spaceId } = await furnished()
  using _ = admin
  const { status, text } = await admin.raw('GET', `/spaces/${spaceId}/export`)
  expect(status).toBe(200)
  expect(text).not.toContain(SECRET)
  expect(JSON.parse(text)).toEqual({
    version: 1,
    spaces: {
      Work: {
        icon: '★',
        defaultSet: 'Outer',
        pins: 'guard',
        servers: {
          'Git Hub': {
            alias: 'github',
            definition: {
              type: 'stdio',
              command: 'x',
              args: ['-y'],
              env: { TOKEN: '${input:TOKEN}' },
              cwd: null,
            },
            inputs: { TOKEN: { secret: true } },
            enabled: true,
            keepRunning: false,
            era: 'auto',
            isolation: 'shared',
            source: expect.any(String),
          },
        },
        featureSets: {
          Inner: { include: ['tool:github/get\\*'], exclude: ['server:github'] },
          Outer: { include: ['set:Inner'], exclude: ['*delete*'] },
        },
      },
    },
  })
})

test('[space.isolation] the command line duplicates, moves and exports, and a copy runs nothing by itself', async () => {
  await using daemon = await startSourceDaemon()
  const ok = async (...args: string[]) => {
    const { code, stdout, stderr } = await daemon.cli(args)
    expect([args.join(' '), code, code === 0 ? '' : stderr]).toEqual([args.join(' '), 0, ''])
    return stdout
  }
  await ok('add', 'echo', '--yes', '--', process.execPath, join(repository, 'tests/servers/echo-stdio.ts'))
  expect(await ok('space', 'duplicate', 'default', 'Second')).toBe(
    'created Second with 1 server; 1 server of it waits for your consent\n',
  )
  expect((await daemon.cli(['space', 'duplicate', 'Default', 'second'])).code).toBe(5)
  const states = JSON.parse(await ok('list', '--space', 'Second', '--json')) as {
    state: { status: string }
  }[]
  expect(states.map(({ state }) => state.status)).toEqual(['needs_consent'])
  await ok('space', 'icon', 'Second', '2')
  expect(await ok('space', 'move', 'Second', '1')).toBe('Second\nDefault\n')
  expect((await daemon.cli(['space', 'move', 'Second', '0'])).code).toBe(2)
  expect(
    Object.keys((JSON.parse(await ok('space', 'export', 'Second')) as { spaces: object }).spaces),
  ).toEqual(['Second'])
})
