// The vault as a file: back from a keychain that lost its key, on another machine, and into another data folder.
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sealedTables } from '../../gateway/store/sealed-rows'
import { repository } from '../support/daemon'
import { startKeyring } from '../support/keyring'
import { type SourceDaemon, startSourceDaemon, tempHome } from '../support/source-daemon'

const raw = [process.execPath, join(repository, 'tests/servers/scripted-stdio.ts'), 'shows-environment']
const TOKEN = 'canary-token-6060'
const stdin = 'correct horse battery\n'
const kept = (home: ReturnType<typeof tempHome>) => ({ ...home, [Symbol.dispose]: () => undefined })

/** Every byte that is sealed, whatever it is. */
function ciphertext(dataDir: string): string {
  const db = new Database(join(dataDir, 'mcpmux.db'), { readonly: true })
  try {
    const rows = sealedTables.map(({ table }) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all())
    return Bun.inspect(rows, { depth: 10 })
  } finally {
    db.close()
  }
}

async function fill({ cli }: SourceDaemon, token = TOKEN): Promise<void> {
  await cli(['add', 'safe', '--env', 'API_TOKEN', '--yes', '--', ...raw], { env: { API_TOKEN: token } })
  await cli(['secret', 'set', 'SHARED'], { stdin: token })
}
const reads = async ({ cli }: SourceDaemon) => (await cli(['call', 'safe/environment', '{}'])).stdout

test('[threat.60] [threat.54] a lost key and a copied data folder are explained, untouched, and opened by an export', async () => {
  await using keyring = await startKeyring()
  await using elsewhere = await startKeyring()
  using home = tempHome()
  using other = tempHome()
  const file = join(home.home, 'vault.export')
  {
    await using daemon = await startSourceDaemon(keyring.env, kept(home))
    await fill(daemon)
    const nobody = await daemon.cli(['vault', 'export', file], { stdin })
    expect([nobody.code, existsSync(file)]).toEqual([4, false])
    expect((await daemon.cli(['vault', 'export', file, '--yes'], { stdin: 'short\n' })).stderr).toContain(
      'input.invalid',
    )
    const made = await daemon.cli(['vault', 'export', file, '--yes'], { stdin })
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('the key and 2 values')])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).not.toContain(TOKEN)
    const before = readFileSync(file, 'utf8')
    expect((await daemon.cli(['vault', 'export', file, '--yes'], { stdin })).stderr).toContain('exists')
    expect(readFileSync(file, 'utf8')).toBe(before)
  }
  cpSync(join(home.home, 'data'), join(other.home, 'data'), { recursive: true })
  await keyring.empty()
  const sealed = ciphertext(join(home.home, 'data'))
  for (const [place, ring] of [
    [home, keyring],
    [other, elsewhere],
  ] as const) {
    await using daemon = await startSourceDaemon(ring.env, kept(place))
    const status = await daemon.cli(['vault', 'status'])
    expect([status.code, status.stdout]).toEqual([4, expect.stringContaining('mcpmux vault import')])
    const text = readFileSync(file, 'utf8')
    const broken = join(place.home, 'broken')
    for (const [changed, words, said] of [
      [
        text,
        'wrong horse battery\n',
        'it does not open the file, or the file was changed (vault.passphrase)',
      ],
      [text.slice(0, 200), stdin, 'vault.export_broken'],
      [text.replace('"version":1', '"version":2'), stdin, 'vault.export_newer'],
      [text.replace(/"body":"..../, '"body":"AAAA'), stdin, 'vault.export_broken'],
      [text.replace(/"body":"(.{80})./, '"body":"$1*'), stdin, 'vault.export_broken'],
      [text.replace(/"key":"(.{60})../, '"key":"$1++'), stdin, 'vault.passphrase'],
      ['', stdin, 'vault.export_broken'],
    ] as const) {
      writeFileSync(broken, changed)
      const refused = await daemon.cli(['vault', 'import', broken], { stdin: words })
      expect([refused.code === 0, refused.stderr]).toEqual([false, expect.stringContaining(said)])
    }
    expect(ciphertext(daemon.dataDir)).toBe(sealed)
    expect(await ring.items()).toEqual([])
    expect((await daemon.cli(['vault', 'import', file], { stdin })).code).toBe(0)
    expect(await reads(daemon)).toContain(TOKEN)
    expect(ciphertext(daemon.dataDir)).toBe(sealed)
    expect((await ring.items()).length).toBe(1)
  }
  for (const [place, ring] of [
    [home, keyring],
    [other, elsewhere],
  ] as const) {
    await using daemon = await startSourceDaemon(ring.env, kept(place))
    expect(await reads(daemon)).toContain(TOKEN)
  }
})

test('[threat.60] [cred.encrypted] an import brings secrets to servers of the same definition, asks before it replaces, and names the rest', async () => {
  using home = tempHome()
  using other = tempHome()
  const file = join(home.home, 'vault.export')
  {
    await using daemon = await startSourceDaemon({}, kept(home))
    await daemon.cli(['vault', 'use', 'insecure', '--yes'])
    await fill(daemon)
    for (const name of ['otherwise', 'missing'])
      await daemon.cli(['add', name, '--env', 'API_TOKEN', '--yes', '--', ...raw], {
        env: { API_TOKEN: TOKEN },
      })
    expect((await daemon.cli(['vault', 'export', file, '--yes'], { stdin })).code).toBe(0)
    // Into the vault it came from it brings nothing.
    const again = await daemon.cli(['vault', 'import', file], { stdin })
    expect([again.code, again.stdout]).toEqual([
      0,
      expect.stringContaining('imported  0 values; 4 were here already'),
    ])
  }
  await using daemon = await startSourceDaemon({}, kept(other))
  const { cli } = daemon
  expect((await cli(['vault', 'import', file], { stdin })).stderr).toContain('keychain.unavailable')
  await cli(['vault', 'use', 'insecure', '--yes'])
  await fill(daemon, 'another value')
  await cli(['add', 'otherwise', '--env', 'API_TOKEN', '--yes', '--', ...raw, 'more'], {
    env: { API_TOKEN: 'of another server' },
  })
  const before = ciphertext(daemon.dataDir)
  const asked = await cli(['vault', 'import', file], { stdin })
  expect([asked.code, asked.stderr]).toEqual([4, expect.stringContaining('Replace them?')])
  for (const differs of ['value API_TOKEN of safe (Default)', 'secret SHARED of the Space Default'])
    expect(asked.stderr).toContain(differs)
  expect(ciphertext(daemon.dataDir)).toBe(before)
  const done = await cli(['vault', 'import', file, '--yes'], { stdin })
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('imported  2 values')])
  expect(done.stdout).toContain(
    'value API_TOKEN of otherwise (Default): the server of this name is defined otherwise',
  )
  expect(done.stdout).toContain('value API_TOKEN of missing (Default): there is no such server')
  expect(await reads(daemon)).toContain(TOKEN)
  expect((await cli(['call', 'otherwise/environment', '{}'])).stdout).toContain('of another server')
  const trail = (await cli(['audit', '--action', 'vault.imported', '--json'])).stdout
  expect(trail).toContain('"replaced":2')
  expect(trail).not.toContain(TOKEN)
  expect((await cli(['vault', 'rotate'])).stdout).not.toContain('unread')
})

test('[threat.60] an export from before a rotation opens no locked vault, and brings its secrets after a reset', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  const file = join(home.home, 'vault.export')
  {
    await using daemon = await startSourceDaemon(keyring.env, kept(home))
    await fill(daemon)
    await daemon.cli(['vault', 'export', file, '--yes'], { stdin })
    await daemon.cli(['vault', 'rotate'])
  }
  await keyring.empty()
  await using daemon = await startSourceDaemon(keyring.env, kept(home))
  const { cli } = daemon
  const sealed = ciphertext(daemon.dataDir)
  const refused = await cli(['vault', 'import', file], { stdin })
  expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('vault.export_other')])
  expect([ciphertext(daemon.dataDir), await keyring.items()]).toEqual([sealed, []])
  expect((await cli(['vault', 'reset', 'keychain', '--yes'])).code).toBe(0)
  expect((await cli(['vault', 'import', file, '--yes'], { stdin })).stdout).toContain('imported  2 values')
  expect((await cli(['consent', 'safe', '--yes'])).code).toBe(0)
  expect(await reads(daemon)).toContain(TOKEN)
  // Nothing is sealed any more with the key that is lost.
  expect((await cli(['vault', 'rotate'])).stdout).not.toContain('unread')
})

test('[threat.55] a key that is recovered lies where a person says, without a keychain too', async () => {
  await using keyring = await startKeyring()
  using home = tempHome()
  const file = join(home.home, 'vault.export')
  {
    await using daemon = await startSourceDaemon(keyring.env, kept(home))
    await fill(daemon)
    await daemon.cli(['vault', 'export', file, '--yes'], { stdin })
  }
  {
    await using daemon = await startSourceDaemon({}, kept(home))
    const { cli } = daemon
    expect((await cli(['vault', 'import', file], { stdin })).stderr).toContain('keychain.unavailable')
    expect((await cli(['vault', 'import', file, '--place', 'insecure'], { stdin })).code).toBe(4)
    expect((await cli(['vault', 'import', file, '--place', 'passphrase'], { stdin })).code).toBe(0)
    expect(await reads(daemon)).toContain(TOKEN)
  }
  await using daemon = await startSourceDaemon({}, kept(home))
  expect((await daemon.cli(['vault', 'unlock'], { stdin })).code).toBe(0)
  expect(await reads(daemon)).toContain(TOKEN)
})
