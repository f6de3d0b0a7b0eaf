import { expect, test } from 'bun:test'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from '../../gateway/secrets/envelope'
import { Secret } from '../../gateway/secrets/secret'
import { createMemoryKeychain } from '../support/memory-keychain'
import { readEverywhere, sealEverywhere } from '../support/sealed-values'
import { tempVault } from '../support/temp-vault'
import { tempStores } from '../support/temp-store'

const place: Place = { table: 'credentials', column: 'envelope', row: 's/T', space: 'here' }
const passphrase = new Secret('correct horse battery')
const refused = (code: string) => expect.objectContaining({ code })

/** Every row of the vault, to see that nothing was touched. */
const rows = (stores: ReturnType<typeof tempStores>) =>
  JSON.stringify([
    stores.db.statement('SELECT * FROM data_keys ORDER BY created_at').all(),
    stores.db.statement('SELECT * FROM vault_secrets').all(),
  ])

test('[cred.keychain] the first run makes a key, and the next one finds what was sealed', async () => {
  using stores = tempStores()
  const { vault, keychain, states } = tempVault(stores)
  expect(vault.state().status).toBe('new')
  expect((await vault.unlock(null)).status).toBe('open')
  expect(states).toEqual([{ status: 'open', place: 'keychain', keychain: 'keychain of a test' }])
  const { keyId, envelope } = vault.seal(place, new Secret('\ufeffgrüße'))
  vault[Symbol.dispose]()
  const again = tempVault(stores, keychain).vault
  expect(() => again.open(place, envelope)).toThrow(refused('keychain.unavailable'))
  expect((await again.unlock(null)).status).toBe('open')
  expect(again.open(place, envelope)?.reveal()).toBe('\ufeffgrüße')
  expect(stores.dataKeys.active()).toMatchObject({ id: keyId, sealed: 1 })
  expect(keychain.entries.size).toBe(1)
})

test('[threat.54] a keychain that is away or locked is never taken for an empty one', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  const { envelope } = vault.seal(place, new Secret('kept'))
  vault.ownKey('consent')
  const before = rows(stores)
  const entries = new Map(keychain.entries)
  for (const [trouble, why] of [
    ['no-service', 'no_keychain'],
    ['timeout', 'no_keychain'],
    ['error', 'no_keychain'],
    ['locked', 'keychain_locked'],
  ] as const) {
    keychain.trouble = trouble
    const again = tempVault(stores, keychain).vault
    expect(await again.unlock(null)).toMatchObject({ status: 'locked', place: 'keychain', why })
    expect(() => again.seal(place, new Secret('x'))).toThrow(refused('keychain.unavailable'))
    expect(() => again.open(place, envelope)).toThrow(refused('keychain.unavailable'))
    expect(again.ownKey('consent')).toBeNull()
    await expect(again.moveTo('file', null)).rejects.toThrow(refused('keychain.unavailable'))
    expect(rows(stores)).toBe(before)
    keychain.trouble = null
    await again.unlock(null)
    expect(again.open(place, envelope)?.reveal()).toBe('kept')
  }
  expect(keychain.entries).toEqual(entries)
})

test('[threat.54] an emptied keychain and one with another key lock the vault and change nothing', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  const { envelope } = vault.seal(place, new Secret('kept'))
  const before = rows(stores)
  const [[account, key] = ['', new Uint8Array()]] = keychain.entries
  const start = () => tempVault(stores, keychain).vault
  for (const [entry, why] of [
    [null, 'key_missing'],
    [new Uint8Array(32).fill(1), 'key_wrong'],
    [new Uint8Array(5), 'key_wrong'],
  ] as const) {
    if (entry) keychain.entries.set(account, entry)
    else keychain.entries.delete(account)
    expect(await start().unlock(null)).toMatchObject({ status: 'locked', why })
    expect(await vault.check()).toBe(why)
  }
  expect(rows(stores)).toBe(before)
  keychain.entries.set(account, key)
  const back = start()
  await back.unlock(null)
  expect(back.open(place, envelope)?.reveal()).toBe('kept')
})

test('[threat.54] a keychain that forgets what it is given leaves no key behind that nobody could find again', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  keychain.writes = 'lost'
  expect(await vault.unlock(null)).toMatchObject({ status: 'new' })
  expect(stores.dataKeys.active()).toBeNull()
  keychain.writes = 'kept'
  expect((await vault.unlock(null)).status).toBe('open')
  expect(keychain.entries.size).toBe(1)
})

test('[threat.55] without a keychain nothing is sealed and nothing lies in a file, until a person chooses', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  keychain.trouble = 'no-service'
  expect(await vault.unlock(null)).toEqual({
    status: 'new',
    keychain: 'keychain of a test',
    why: 'no_keychain',
  })
  expect(() => vault.requireOpen()).toThrow(refused('keychain.unavailable'))
  expect(readdirSync(stores.folder).filter((name) => name.endsWith('.key'))).toEqual([])
  expect(await vault.moveTo('file', null)).toMatchObject({ status: 'open', place: 'file' })
  const { envelope } = vault.seal(place, new Secret('kept'))
  const [file = ''] = readdirSync(stores.folder).filter((name) => name.endsWith('.key'))
  const again = tempVault(stores, keychain).vault
  await again.unlock(null)
  expect(again.open(place, envelope)?.reveal()).toBe('kept')
  writeFileSync(join(stores.folder, file), new Uint8Array(31))
  const damaged = tempVault(stores, keychain).vault
  expect(await damaged.unlock(null)).toMatchObject({ status: 'locked', why: 'key_wrong' })
})

test('[threat.55] with a passphrase the vault waits for exactly that passphrase', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  keychain.trouble = 'no-service'
  await expect(vault.moveTo('passphrase', new Secret('short'))).rejects.toThrow(refused('input.invalid'))
  expect(await vault.moveTo('passphrase', passphrase)).toMatchObject({ status: 'open', place: 'passphrase' })
  const { envelope } = vault.seal(place, new Secret('kept'))
  const again = tempVault(stores, keychain).vault
  expect(await again.unlock(null)).toMatchObject({ status: 'locked', why: 'passphrase' })
  expect(() => again.requireOpen()).toThrow(refused('vault.locked'))
  await expect(again.unlock(new Secret('wrong horse battery'))).rejects.toThrow(refused('vault.passphrase'))
  expect((await again.unlock(passphrase)).status).toBe('open')
  expect(again.open(place, envelope)?.reveal()).toBe('kept')
  expect(readdirSync(stores.folder).filter((name) => name.endsWith('.key'))).toEqual([])
})

test('[cred.keychain] the key moves from place to place, and what was sealed stays readable', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  sealEverywhere(stores, vault, 'kept')
  const said = readEverywhere(stores, vault)
  const moves = [
    ['file', null],
    ['passphrase', passphrase],
    ['keychain', null],
    ['keychain', null],
  ] as const
  for (const [to, given] of moves) {
    expect(await vault.moveTo(to, given)).toMatchObject({ status: 'open', place: to })
    const again = tempVault(stores, keychain).vault
    await again.unlock(given)
    expect(readEverywhere(stores, again)).toEqual(said)
    expect(keychain.entries.size).toBe(to === 'keychain' ? 1 : 0)
    const files = readdirSync(stores.folder).filter((name) => name.endsWith('.key'))
    expect(files.length).toBe(to === 'file' ? 1 : 0)
  }
})

test('[threat.54] a reset begins anew and destroys nothing: the old envelope opens once its key is back in use', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  const { envelope, keyId } = vault.seal(place, new Secret('old'))
  const kept = new Map(keychain.entries)
  keychain.entries.clear()
  const again = tempVault(stores, keychain).vault
  await again.unlock(null)
  expect(await again.reset('keychain', null)).toMatchObject({ status: 'open' })
  expect(again.open(place, envelope)).toBeNull()
  expect(again.open(place, again.seal(place, new Secret('new')).envelope)?.reveal()).toBe('new')
  stores.db.statement('UPDATE data_keys SET active = 0').run()
  stores.db.statement('UPDATE data_keys SET active = 1 WHERE id = $keyId').run({ keyId })
  for (const [account, value] of kept) keychain.entries.set(account, value)
  const back = tempVault(stores, keychain).vault
  await back.unlock(null)
  expect(back.open(place, envelope)?.reveal()).toBe('old')
})

test('[cred.zeroize] key bytes are wiped when the vault closes, and a wrapping key as soon as it has served', async () => {
  using stores = tempStores()
  const handed: Uint8Array[] = []
  const keychain = createMemoryKeychain()
  const read = keychain.read.bind(keychain)
  keychain.read = async (account) => {
    const reading = await read(account)
    if (reading.state === 'present') handed.push(reading.value)
    return reading
  }
  await tempVault(stores, keychain).vault.unlock(null)
  const { vault } = tempVault(stores, keychain)
  await vault.unlock(null)
  // Once when it was made, to see that it is there, and once when it was looked for.
  expect(handed.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true, true])
  const own = vault.ownKey('consent')?.bytes
  expect(own?.some((byte) => byte !== 0)).toBe(true)
  vault[Symbol.dispose]()
  expect(own?.every((byte) => byte === 0)).toBe(true)
  expect(() => vault.seal(place, new Secret('x'))).toThrow()
})

test('[threat.54] two who unlock at once make one key', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await Promise.all([vault.unlock(null), vault.unlock(null), vault.unlock(null)])
  expect(keychain.entries.size).toBe(1)
  expect(stores.db.statement('SELECT 1 FROM data_keys').all()).toHaveLength(1)
})
