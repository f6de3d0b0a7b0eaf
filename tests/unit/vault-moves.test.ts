// The data key on its way from one wrapping key to another, ended at each step there is.
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { VaultPlace } from '../../gateway/domain/vault-state'
import { systemRuntime } from '../../gateway/runtime'
import type { Place } from '../../gateway/secrets/envelope'
import { Secret } from '../../gateway/secrets/secret'
import { createMemoryKeychain, type MemoryKeychain } from '../support/memory-keychain'
import { tempVault } from '../support/temp-vault'
import { tempStores } from '../support/temp-store'
import { endAtEachStep, given, passphrase, places, startAgain } from '../support/vault-steps'

const place: Place = { table: 'credentials', column: 'envelope', row: 's/T', space: 'here' }
const refused = (code: string) => expect.objectContaining({ code })

const moves = [
  ['keychain', 'file'],
  ['file', 'keychain'],
  ['keychain', 'keychain'],
] as const

for (const how of ['kill', 'stop'] as const)
  test(`[threat.58] a ${how} at any step of a move loses no key and leaves none behind`, async () => {
    for (const [from, to] of moves) {
      const steps = await endAtEachStep(from, how, (vault) => vault.moveTo(to, given(to)))
      expect(steps).toContain('after wrapping.make')
      // Away from a file the data key goes, too.
      expect(steps).toContain(from === 'file' ? 'after keys.replace' : 'after keys.rewrap')
      expect(steps).toContain('before wrapping.forget')
    }
  })

for (const how of ['kill', 'stop'] as const)
  test(`[threat.58] a ${how} at any step of a reset leaves one key in use and none that nobody knows`, async () => {
    const steps = await endAtEachStep('keychain', how, (vault) => vault.reset('file', null))
    expect(steps).toContain('after wrapping.make')
    expect(steps).toContain('after keys.add')
  })

test('[threat.58] a gateway that is stopped while a key is derived from a passphrase loses nothing', async () => {
  using stores = tempStores()
  const keychain = createMemoryKeychain()
  let deriving = false
  const { vault } = tempVault(stores, keychain, systemRuntime, (at) => {
    if (deriving && at === 'before wrapping.make') vault[Symbol.dispose]()
  })
  await vault.unlock(null)
  const { envelope } = vault.seal(place, new Secret('kept'))
  deriving = true
  await expect(vault.moveTo('passphrase', passphrase)).rejects.toThrow(refused('vault.locked'))
  const again = await startAgain(stores, keychain)
  expect(again.state()).toMatchObject({ status: 'open', place: 'keychain' })
  expect(again.open(place, envelope)?.reveal()).toBe('kept')
})

test('[threat.58] a place that does not give back what it took is not moved to', async () => {
  using stores = tempStores()
  const keychain = createMemoryKeychain()
  const vault = await startAgain(stores, keychain)
  const { envelope } = vault.seal(place, new Secret('kept'))
  const row = stores.dataKeys.active()
  const { write } = keychain
  const lies: MemoryKeychain['write'][] = [
    async () => undefined,
    (account, value) =>
      write.call(
        keychain,
        account,
        value.map((byte) => byte ^ 1),
      ),
    (account, value) => write.call(keychain, account, value.subarray(1)),
  ]
  for (const lie of lies) {
    keychain.write = lie
    await expect(vault.moveTo('keychain', null)).rejects.toThrow(refused('keychain.unavailable'))
    keychain.write = write
    expect(stores.dataKeys.active()).toMatchObject({ wrappingId: row?.wrappingId, wrapped: row?.wrapped })
    const again = await startAgain(stores, keychain)
    expect(again.open(place, envelope)?.reveal()).toBe('kept')
    expect(keychain.entries.size).toBe(1)
  }
})

test('[threat.58] an old key that cannot be removed now is removed at a later unlock', async () => {
  using stores = tempStores()
  const keychain = createMemoryKeychain()
  const vault = await startAgain(stores, keychain)
  const { envelope } = vault.seal(place, new Secret('kept'))
  keychain.trouble = 'locked'
  expect(await vault.moveTo('file', null)).toMatchObject({ status: 'open', place: 'file' })
  await startAgain(stores, keychain)
  expect([keychain.entries.size, stores.dataKeys.unused().length]).toEqual([1, 1])
  keychain.trouble = null
  const again = await startAgain(stores, keychain)
  expect([keychain.entries.size, stores.dataKeys.unused().length]).toEqual([0, 0])
  expect(again.open(place, envelope)?.reveal()).toBe('kept')
})

test('[threat.58] half a key file is removed, and a key that is in use never, whatever was noted', async () => {
  using stores = tempStores()
  const keychain = createMemoryKeychain()
  const vault = await startAgain(stores, keychain)
  await vault.reset('file', null)
  const half = '00112233445566ff'
  stores.dataKeys.note({ place: 'file', wrappingId: half })
  writeFileSync(join(stores.folder, `vault-${half}.key.part`), new Uint8Array(16))
  const rows = stores.db
    .statement<{ wrapping_id: string; place: VaultPlace }>('SELECT * FROM data_keys')
    .all()
  for (const row of rows) stores.dataKeys.note({ place: row.place, wrappingId: row.wrapping_id })
  await startAgain(stores, keychain)
  const { lying, named } = places(stores, keychain)
  expect([lying, named.length]).toEqual([named, 2])
})

test('[threat.58] a keychain that takes nothing is tried again and again under one name', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  keychain.writes = 'half'
  for (let n = 0; n < 5; n++) expect(await vault.unlock(null)).toMatchObject({ status: 'new' })
  expect([keychain.entries.size, stores.dataKeys.unused().length]).toEqual([1, 1])
  keychain.writes = 'kept'
  expect((await vault.unlock(null)).status).toBe('open')
  expect([keychain.entries.size, stores.dataKeys.unused().length]).toEqual([1, 0])
})

test('[cred.zeroize] a vault that closes while its key is looked for holds none afterwards', async () => {
  using stores = tempStores()
  const keychain = createMemoryKeychain()
  await startAgain(stores, keychain)
  const { vault, states } = tempVault(stores, keychain)
  const looking = vault.unlock(null)
  vault[Symbol.dispose]()
  await expect(looking).rejects.toThrow(refused('vault.locked'))
  expect(vault.ownKey('consent')).toBeNull()
  expect(states).toEqual([])
})
