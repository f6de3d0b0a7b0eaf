// The vault of a running gateway over a real Secret Service that comes, goes, locks and forgets.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, repository } from '../support/daemon'
import { type Keyring, startKeyring } from '../support/keyring'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

const raw = [process.execPath, join(repository, 'tests/servers/scripted-stdio.ts'), 'shows-environment']
const TOKEN = 'canary-token-8841'

interface Seen {
  vault: { state: { status: string; why?: string; place?: string }; what: string; todo: string | null }
  servers: { name: string; state: { status: string; code?: string } }[]
}
const seen = async (daemon: SourceDaemon): Promise<Seen> =>
  JSON.parse((await daemon.cli(['status', '--json'])).stdout)
const stateOf = async (daemon: SourceDaemon, name: string) =>
  (await seen(daemon)).servers.find((server) => server.name === name)?.state.status

const addSecret = (daemon: SourceDaemon, name: string) =>
  daemon.cli(['add', name, '--env', 'API_TOKEN', '--yes', '--', ...raw], { env: { API_TOKEN: TOKEN } })

/** Every byte that is sealed, and what wraps its key. */
function ciphertext(dataDir: string): string {
  const db = new Database(join(dataDir, 'mcpmux.db'), { readonly: true })
  try {
    const rows = ['credentials', 'data_keys', 'vault_secrets'].map((table) =>
      db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all(),
    )
    return Bun.inspect(rows, { depth: 10 })
  } finally {
    db.close()
  }
}

/** Runs a gateway in the home until `use` is done. */
async function during<T>(
  home: ReturnType<typeof tempHome>,
  keyring: Keyring | null,
  use: (daemon: SourceDaemon) => Promise<T>,
): Promise<T> {
  const kept = { ...home, [Symbol.dispose]: () => undefined }
  await using daemon = await startSourceDaemon(keyring?.env ?? {}, kept)
  return await use(daemon)
}

test('[cred.keychain] a secret is given once: it is sealed, survives the restart and reaches its server again', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  const calls = async (daemon: SourceDaemon) => (await daemon.cli(['call', 'safe/environment', '{}'])).stdout
  await during(home, keyring, async (daemon) => {
    expect((await addSecret(daemon, 'safe')).stderr).not.toContain('keychain')
    expect(await calls(daemon)).toContain(TOKEN)
    expect((await seen(daemon)).vault.state).toMatchObject({ status: 'open', place: 'keychain' })
  })
  await during(home, keyring, async (daemon) => expect(await calls(daemon)).toContain(TOKEN))
  expect((await keyring.items()).map(({ account }) => account)).toEqual([
    expect.stringMatching(/^vault-[0-9a-f]{16}$/),
  ])
})

test('[threat.54] absent, locked, killed, emptied: nothing sealed is touched, status tells, and it goes on by itself', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  const dataDir = join(home.home, 'data')
  await during(home, keyring, async (daemon) => {
    await addSecret(daemon, 'safe')
    await daemon.cli(['add', 'plain', '--yes', '--', ...raw])
  })
  const before = ciphertext(dataDir)
  const open = (daemon: SourceDaemon) =>
    eventually(
      () => seen(daemon),
      ({ vault }) => vault.state.status === 'open',
      50_000,
    )
  const isLocked = async (daemon: SourceDaemon, why: string) => {
    const { vault, servers } = await seen(daemon)
    expect(vault.state).toMatchObject({ status: 'locked', place: 'keychain', why })
    expect(vault.todo).toBeString()
    const states = new Map(servers.map(({ name, state }) => [name, state.status]))
    expect(states.get('safe')).toBe('locked')
    expect(['idle', 'connecting', 'ready']).toContain(states.get('plain') ?? '')
    const refused = await daemon.cli(['call', 'safe/environment', '{}'])
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('vault.locked')])
    expect((await daemon.cli(['call', 'plain/environment', '{}'])).code).toBe(0)
    const kept = await addSecret(daemon, 'more')
    expect([kept.code, kept.stderr]).toEqual([4, expect.stringContaining('keychain.unavailable')])
    expect((await daemon.cli(['restart', 'safe'])).code).toBe(4)
    expect(await stateOf(daemon, 'more')).toBeUndefined()
    expect(ciphertext(dataDir)).toBe(before)
  }

  await keyring.lock()
  await during(home, keyring, async (daemon) => {
    await isLocked(daemon, 'keychain_locked')
    await keyring.unlock()
    await open(daemon)
    expect((await daemon.cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN)
  })
  await during(home, null, (daemon) => isLocked(daemon, 'no_keychain'))
  await keyring.kill()
  await during(home, keyring, async (daemon) => {
    await isLocked(daemon, 'no_keychain')
    await keyring.start()
    await open(daemon)
    await keyring.kill()
    // What is open stays open, and the person is told what the next start will find.
    expect((await daemon.cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN)
    const { stdout } = await daemon.cli(['vault', 'status'])
    expect(stdout).toContain('the keychain does not answer now')
    await keyring.start()
  })
  expect(ciphertext(dataDir)).toBe(before)

  const [{ account, value } = { account: '', value: new Uint8Array() }] = await keyring.items()
  await keyring.remove(account)
  await during(home, keyring, async (daemon) => {
    await isLocked(daemon, 'key_missing')
    expect((await keyring.items()).length).toBe(0)
    await keyring.replace(account, new Uint8Array(32).fill(1))
    await daemon.cli(['vault', 'unlock'])
    await isLocked(daemon, 'key_wrong')
  })
  await keyring.replace(account, value)
  await during(home, keyring, async (daemon) => {
    expect((await daemon.cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN)
  })
  expect(ciphertext(dataDir)).toBe(before)
})

test('[threat.54] a key that was emptied while the vault is open is put back by one command', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  await during(home, keyring, async (daemon) => {
    await addSecret(daemon, 'safe')
    await keyring.empty()
    expect((await daemon.cli(['vault', 'status'])).stdout).toContain('its key is not where it was')
    expect((await daemon.cli(['vault', 'use', 'keychain'])).code).toBe(0)
    expect((await daemon.cli(['vault', 'status'])).stdout).not.toContain('warning')
  })
  await during(home, keyring, async (daemon) =>
    expect((await daemon.cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN),
  )
})

test('[threat.55] without a keychain secrets are refused, and each alternative is chosen by a person and shown', async () => {
  using home = tempHome()
  const dataDir = join(home.home, 'data')
  const keyFiles = () => readdirSync(dataDir).filter((name) => name.startsWith('vault-'))
  await during(home, null, async (daemon) => {
    expect((await seen(daemon)).vault.state).toMatchObject({ status: 'new', why: 'no_keychain' })
    const refused = await addSecret(daemon, 'safe')
    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringContaining('mcpmux vault use passphrase'),
    ])
    const insecure = await daemon.cli(['vault', 'use', 'insecure'])
    expect([insecure.code, keyFiles()]).toEqual([4, []])
    const chosen = await daemon.cli(['vault', 'use', 'passphrase'], { stdin: 'correct horse battery\n' })
    expect([chosen.code, chosen.stderr]).toEqual([0, ''])
    expect((await addSecret(daemon, 'safe')).code).toBe(0)
  })
  await during(home, null, async (daemon) => {
    expect((await seen(daemon)).vault.state).toMatchObject({ status: 'locked', why: 'passphrase' })
    expect(await stateOf(daemon, 'safe')).toBe('locked')
    const wrong = await daemon.cli(['vault', 'unlock'], { stdin: 'wrong horse battery\n' })
    expect([wrong.code, wrong.stderr]).toEqual([4, expect.stringContaining('vault.passphrase')])
    expect((await daemon.cli(['vault', 'unlock'], { stdin: 'correct horse battery\n' })).code).toBe(0)
    expect((await daemon.cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN)
    expect((await daemon.cli(['vault', 'use', 'insecure', '--yes'])).code).toBe(0)
    expect(keyFiles()).toHaveLength(1)
  })
  await during(home, null, async (daemon) => {
    expect((await seen(daemon)).vault.what).toContain('INSECURE')
    expect((await daemon.cli(['call', 'safe/environment', '{}'])).stdout).toContain(TOKEN)
  })
})

test('[threat.57] one corrupt row of fifty costs one server, is not removed, and is mended by giving it again', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  const dataDir = join(home.home, 'data')
  const names = Array.from({ length: 50 }, (_, at) => `s${at}`)
  const program = ['true']
  await during(home, keyring, async (daemon) => {
    const spaces = (await (await daemon.fetch('/spaces')).json()) as { id: string }[]
    for (const name of names) {
      const body = {
        spaceId: spaces[0]?.id,
        name,
        definition: {
          type: 'stdio',
          command: program[0],
          args: [],
          env: { API_TOKEN: '${input:API_TOKEN}' },
          cwd: null,
        },
        inputs: [{ id: 'API_TOKEN', secret: true, value: `${TOKEN} ${name}` }],
        source: 'cli',
        consent: { givenBy: 'cli' },
      }
      expect((await daemon.fetch('/servers', { method: 'POST', body: JSON.stringify(body) })).status).toBe(
        200,
      )
    }
  })
  const db = new Database(join(dataDir, 'mcpmux.db'))
  const id = db.prepare<{ id: string }, []>("SELECT id FROM servers WHERE name = 's17'").get()?.id ?? ''
  db.prepare('UPDATE credentials SET envelope = zeroblob(60) WHERE server_id = ?').run(id)
  db.close()
  await during(home, keyring, async (daemon) => {
    const states = Map.groupBy((await seen(daemon)).servers, ({ state }) => state.status)
    expect([...states].map(([status, some]) => [status, some.length])).toEqual([
      ['idle', 49],
      ['failed', 1],
    ])
    expect(states.get('failed')?.[0]).toMatchObject({ name: 's17', state: { code: 'credential.unreadable' } })
    const env = { API_TOKEN: 'given again' }
    await daemon.cli(['restart', 's17', '--env', 'API_TOKEN'], { env })
    expect(await stateOf(daemon, 's17')).not.toBe('needs_input')
    const unreadable = (await seen(daemon)).servers.filter(
      ({ state }) => state.code === 'credential.unreadable',
    )
    expect(unreadable).toEqual([])
  })
})

test('[logs] a vault that cannot be opened is told at the terminal and in the log, with what to do', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  await during(home, keyring, async (daemon) => {
    await addSecret(daemon, 'safe')
    expect(daemon.log()).not.toContain('vault:')
  })
  await during(home, null, async (daemon) => {
    await eventually(
      () => daemon.log(),
      (log) => log.includes('vault: the Secret Service does not answer'),
    )
    expect((await daemon.cli(['logs'])).stdout).toContain('vault: the Secret Service does not answer')
  })
})
