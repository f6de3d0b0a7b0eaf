// Keys of the vault in exchange for new ones: the data key with all it sealed, and those that clients hold something of.
import { expect, test } from 'bun:test'
import { systemRuntime } from '../../gateway/runtime'
import { MOST_SEALED } from '../../gateway/store/data-keys'
import { type SealedRow, sealedTables } from '../../gateway/store/sealed-rows'
import { Secret } from '../../gateway/secrets/secret'
import { createMemoryKeychain } from '../support/memory-keychain'
import { readEverywhere, sealedBytes, sealEverywhere } from '../support/sealed-values'
import { tempStores } from '../support/temp-store'
import { tempVault } from '../support/temp-vault'
import { endAtEachStep, passphrase, places, startAgain } from '../support/vault-steps'

type Stores = ReturnType<typeof tempStores>

const refused = (code: string) => expect.objectContaining({ code })
const keyIds = (stores: Stores) => [...new Set(stores.sealedRows.all().map(({ keyId }) => keyId))]
const byTable = (a: SealedRow, b: SealedRow) => a.place.table.localeCompare(b.place.table)
const dataKeys = (stores: Stores) =>
  stores.db
    .statement<{ id: string; active: number }>('SELECT id, active FROM data_keys ORDER BY active')
    .all()

test('[threat.58] everything sealed in any table gets the new data key, and the old one is nowhere any more', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  sealEverywhere(stores, vault, 'one')
  sealEverywhere(stores, vault, 'two')
  const said = readEverywhere(stores, vault)
  const tables = new Set([...said.keys()].map((place) => place.split(' ')[0]))
  expect([...tables].toSorted()).toEqual(sealedTables.map(({ table }) => table).toSorted())
  const [old] = keyIds(stores)
  const others = JSON.stringify(stores.tokens.list().map(({ envelope: _, keyId: __, ...rest }) => rest))
  const session = vault.ownKey('session')?.bytes.slice()

  expect(await vault.rotate('data', null)).toEqual({ resealed: said.size, left: [] })
  const { lying, named } = places(stores, keychain)
  expect([lying, lying.length]).toEqual([named, 1])
  const [now, ...more] = keyIds(stores)
  expect([now === old, more, dataKeys(stores)]).toEqual([false, [], [{ id: now ?? '', active: 1 }]])
  expect(stores.dataKeys.active()?.sealed).toBe(said.size)
  expect(JSON.stringify(stores.tokens.list().map(({ envelope: _, keyId: __, ...rest }) => rest))).toBe(others)
  for (const each of [vault, await startAgain(stores, keychain)]) {
    expect(readEverywhere(stores, each)).toEqual(said)
    expect(each.ownKey('session')?.bytes).toEqual(session)
  }
})

test('[threat.58] a new wrapping key alone leaves every sealed byte as it is', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  sealEverywhere(stores, vault, 'one')
  const before = sealedBytes(stores)
  const [account] = keychain.entries.keys()
  expect(await vault.rotate('wrapping', null)).toEqual({ resealed: 0, left: [] })
  expect(sealedBytes(stores)).toBe(before)
  expect([...keychain.entries.keys()]).not.toContain(account)
  expect((await startAgain(stores, keychain)).state().status).toBe('open')
})

for (const how of ['kill', 'stop'] as const)
  test(`[threat.58] a ${how} at any step of a rotation loses nothing sealed and leaves one key`, async () => {
    for (const from of ['keychain', 'file'] as const) {
      const steps = await endAtEachStep(from, how, (vault) => vault.rotate('data', null))
      expect(steps).toContain('after keys.replace')
      expect(steps.filter((step) => step === 'after rows.replace').length).toBe(sealedTables.length)
    }
  })

test('[threat.57] what does not open is reported, stays byte for byte, and keeps the key that it names', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  for (const name of ['one', 'two']) sealEverywhere(stores, vault, name)
  const damaged = sealedTables.flatMap(({ table }) => {
    const row = stores.sealedRows.all().find(({ place }) => place.table === table)
    const where = Object.keys(row?.key ?? {}).map((column) => `${column} = $${column}`)
    stores.db
      .statement(`UPDATE ${table} SET envelope = zeroblob(60) WHERE ${where.join(' AND ')}`)
      .run({ ...row?.key })
    return row ? [stores.sealedRows.again(row) ?? row] : []
  })
  const [old = ''] = keyIds(stores)
  const { resealed, left } = await vault.rotate('data', null)
  expect(left.toSorted(byTable)).toEqual(damaged.toSorted(byTable))
  expect(left.length).toBe(sealedTables.length)
  expect(resealed).toBe(stores.sealedRows.all().length - left.length)
  expect(dataKeys(stores).map(({ active }) => active)).toEqual([0, 1])
  expect(dataKeys(stores)[0]?.id).toBe(old)
  for (const row of left) expect(stores.sealedRows.again(row)).toEqual(row)
  const again = await startAgain(stores, keychain)
  const unreadable = [...readEverywhere(stores, again)].filter(([, said]) => said === 'unreadable')
  expect(unreadable.length).toBe(left.length)

  // Once nothing names it any more, the next rotation lets go of it.
  for (const { table } of sealedTables)
    stores.db.statement(`DELETE FROM ${table} WHERE key_id = $old`).run({ old })
  await again.rotate('data', null)
  expect([dataKeys(stores).length, keychain.entries.size]).toEqual([1, 1])
})

test('[threat.58] a full disk in the middle of a rotation leaves every byte, and the old key in use', async () => {
  using stores = tempStores()
  let fails = false
  let written = 0
  const { vault, keychain } = tempVault(stores, undefined, undefined, (at) => {
    if (fails && at === 'before rows.replace' && ++written === 3) throw new Error('the disk is full')
  })
  await vault.unlock(null)
  sealEverywhere(stores, vault, 'one')
  const said = readEverywhere(stores, vault)
  const before = sealedBytes(stores)
  fails = true
  await expect(vault.rotate('data', null)).rejects.toThrow('the disk is full')
  fails = false
  expect([sealedBytes(stores), dataKeys(stores).length]).toEqual([before, 1])
  expect(readEverywhere(stores, vault)).toEqual(said)
  expect(readEverywhere(stores, await startAgain(stores, keychain))).toEqual(said)
  expect(keychain.entries.size).toBe(1)
})

test('[threat.58] with a passphrase only the one there is rotates, and it is the one afterwards', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.moveTo('passphrase', passphrase)
  sealEverywhere(stores, vault, 'one')
  const said = readEverywhere(stores, vault)
  const before = sealedBytes(stores)
  for (const wrong of [null, new Secret('mistyped horse battery')])
    await expect(vault.rotate('data', wrong)).rejects.toThrow(refused('vault.passphrase'))
  expect(sealedBytes(stores)).toBe(before)
  await vault.rotate('data', passphrase)
  expect(sealedBytes(stores)).not.toBe(before)
  expect(readEverywhere(stores, await startAgain(stores, keychain))).toEqual(said)
})

test('[threat.58] a key that lay in a file is replaced when it leaves it: a copy of the folder opens nothing sealed later', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.moveTo('file', null)
  sealEverywhere(stores, vault, 'one')
  const said = readEverywhere(stores, vault)
  const [old] = keyIds(stores)
  await vault.moveTo('keychain', null)
  expect(keyIds(stores)).not.toContain(old)
  expect(readEverywhere(stores, await startAgain(stores, keychain))).toEqual(said)
  expect(places(stores, keychain).lying.length).toBe(1)
})

test('[threat.56] a data key that sealed very much is replaced at the next unlock, and seals no more than it may', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  sealEverywhere(stores, vault, 'one')
  const said = readEverywhere(stores, vault)
  const [old] = keyIds(stores)
  const setSealed = stores.db.statement('UPDATE data_keys SET sealed = $sealed WHERE active = 1')
  setSealed.run({ sealed: 2 ** 31 - 1 })
  await startAgain(stores, keychain)
  expect(keyIds(stores)).toEqual([old ?? ''])
  setSealed.run({ sealed: 2 ** 31 })
  const again = await startAgain(stores, keychain)
  expect(keyIds(stores)).not.toContain(old)
  expect(readEverywhere(stores, again)).toEqual(said)
  expect(stores.dataKeys.active()?.sealed).toBe(said.size)

  setSealed.run({ sealed: MOST_SEALED })
  const place = { table: 'credentials', column: 'envelope', row: 's/T', space: 'here' }
  expect(() => again.seal(place, new Secret('x'))).toThrow(refused('vault.worn'))
  await again.rotate('data', null)
  expect(again.seal(place, new Secret('x')).envelope.length).toBeGreaterThan(0)
})

test('[threat.58] a locked vault rotates nothing, and a keychain that refuses the new key changes nothing', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  sealEverywhere(stores, vault, 'one')
  const before = sealedBytes(stores)
  const locked = tempVault(stores, keychain).vault
  for (const what of ['data', 'wrapping'] as const)
    await expect(locked.rotate(what, null)).rejects.toThrow(refused('keychain.unavailable'))
  expect(() => locked.renewClientKeys()).toThrow(refused('keychain.unavailable'))
  for (const writes of ['lost', 'half', 'altered'] as const) {
    keychain.writes = writes
    await expect(vault.rotate('data', null)).rejects.toThrow(refused('keychain.unavailable'))
  }
  keychain.writes = 'kept'
  expect(sealedBytes(stores)).toBe(before)
  await startAgain(stores, keychain)
  expect(keychain.entries.size).toBe(1)
})

test('[cred.zeroize] the old data key is wiped once the new one is in use', async () => {
  using stores = tempStores()
  const made: Uint8Array[] = []
  const keychain = createMemoryKeychain()
  const runtime = {
    ...systemRuntime,
    randomBytes: (length: number) => {
      const bytes = systemRuntime.randomBytes(length)
      if (length === 32) made.push(bytes)
      return bytes
    },
  }
  const { vault } = tempVault(stores, keychain, runtime)
  await vault.unlock(null)
  await vault.rotate('data', null)
  const live = made.filter((bytes) => bytes.some((byte) => byte !== 0))
  expect([made.length, live.length]).toEqual([4, 1])
  vault[Symbol.dispose]()
  expect(live[0]?.every((byte) => byte === 0)).toBe(true)
})

test('[sessions.jwt] keys that clients hold something of are renewed, the one of consents is not', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  const read = (from: typeof vault) =>
    ['session', 'access', 'refresh', 'state', 'task', 'consent'].map((name) =>
      Buffer.from(from.ownKey(name)?.bytes ?? []).toString('hex'),
    )
  const before = read(vault)
  vault.renewClientKeys()
  const after = read(vault)
  expect(after.map((key, at) => key === before[at])).toEqual([false, false, false, false, false, true])
  expect(read(await startAgain(stores, keychain))).toEqual(after)
})
