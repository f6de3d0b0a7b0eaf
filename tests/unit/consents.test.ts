import { expect, test } from 'bun:test'
import { consentChanges, consentForm } from '../../gateway/domain/consent-form'
import { createConsentSeal } from '../../gateway/secrets/consent-seal'
import { createConsents } from '../../gateway/secrets/consents'
import { createMemoryKeychain } from '../support/memory-keychain'
import { stdioDefinition, tempStores } from '../support/temp-store'
import { tempVault } from '../support/temp-vault'

/** A server, consents over a vault that opens with the keychain, and what somebody who has only the files can do. */
function sealedWorld(stores: ReturnType<typeof tempStores>, keychain = createMemoryKeychain()) {
  const fileKey = new Uint8Array(32).fill(9)
  const { id } =
    stores.servers.list()[0] ??
    stores.servers.create({
      spaceId: stores.spaces.active().id,
      name: 'Files',
      alias: 'files',
      definition: stdioDefinition(),
      source: 'cli',
    })
  const { vault } = tempVault(stores, keychain)
  const consents = createConsents({
    store: stores.consents,
    fileKey,
    vaultKey: () => vault.ownKey('consent'),
  })
  const forge = () => {
    stores.db.statement(`UPDATE servers SET definition = json_set(definition, '$.command', 'evil')`).run()
    stores.consents.put(id, `file:${createConsentSeal(fileKey).seal(stores.servers.get(id))}`, 'cli')
  }
  return { vault, consents, keychain, forge, server: () => stores.servers.get(id) }
}

test('[threat.46] a consent from before the vault counts when the vault begins, and has its seal from then on', async () => {
  using stores = tempStores()
  const { vault, consents, keychain, server } = sealedWorld(stores)
  keychain.trouble = 'no-service'
  await vault.unlock(null)
  consents.give(server(), 'cli')
  const before = sealedWorld(stores, keychain)
  await before.vault.unlock(null)
  expect(before.consents.of(server())).toMatchObject({ givenBy: 'cli' })
  keychain.trouble = null
  await before.vault.unlock(null)
  expect(before.consents.of(server())).toMatchObject({ givenBy: 'cli' })
  const after = sealedWorld(stores, keychain)
  await after.vault.unlock(null)
  expect(after.consents.of(server())).toMatchObject({ givenBy: 'cli' })
})

test('[threat.46] who can write files forges no consent by removing or retiring what the vault has', async () => {
  const attacks = {
    'the key of the seal is removed': 'DELETE FROM vault_secrets',
    'the key of the seal is replaced': 'UPDATE vault_secrets SET envelope = zeroblob(60)',
    'the data key is retired': 'UPDATE data_keys SET active = 0',
  }
  for (const [what, sql] of Object.entries(attacks)) {
    using stores = tempStores()
    const { vault, consents, keychain, server } = sealedWorld(stores)
    await vault.unlock(null)
    consents.give(server(), 'cli')
    const { vault: again, consents: seen, forge } = sealedWorld(stores, keychain)
    forge()
    stores.db.statement(sql).run()
    expect((await again.unlock(null)).status).toBe('open')
    expect([what, seen.of(server())]).toEqual([what, null])
    seen.give(server(), 'window')
    expect([what, seen.of(server())?.givenBy]).toEqual([what, 'window'])
  }
})

test('[threat.46] a reset makes no consent count that only the files vouch for', async () => {
  using stores = tempStores()
  const { vault, consents, keychain, server } = sealedWorld(stores)
  await vault.unlock(null)
  consents.give(server(), 'cli')
  const { vault: again, consents: seen, forge } = sealedWorld(stores, keychain)
  forge()
  await again.reset('keychain', null)
  expect(seen.of(server())).toBeNull()
  // Nor in the run in which the vault began.
  await vault.reset('keychain', null)
  expect(consents.of(server())).toBeNull()
})

test('[consent] what was approved is known until another approval, and shown against what is there now', async () => {
  using stores = tempStores()
  const { vault, consents, server } = sealedWorld(stores)
  await vault.unlock(null)
  expect(consents.last(server().id)).toBeNull()
  consents.give(server(), 'cli')
  const approved = consentForm(server())
  expect(consents.last(server().id)).toMatchObject({ form: approved, givenBy: 'cli', withdrawn: false })
  stores.db.statement(`UPDATE servers SET definition = json_set(definition, '$.command', 'evil')`).run()
  expect(consents.of(server())).toBeNull()
  expect(consentChanges(consents.last(server().id)?.form ?? approved, consentForm(server()))).toEqual([
    { what: 'command', before: 'node', after: 'evil' },
  ])
  consents.withdraw(server())
  expect(consents.last(server().id)).toMatchObject({ form: approved, withdrawn: true })
  stores.db.statement(`UPDATE servers SET definition = json_set(definition, '$.command', 'node')`).run()
  expect(consents.of(server())).toBeNull()
  consents.give(server(), 'window')
  expect(consents.last(server().id)).toMatchObject({ givenBy: 'window', withdrawn: false })
})

test('[threat.46] a withdrawn approval cannot be turned into one that counts, nor its form into another', async () => {
  using stores = tempStores()
  const { vault, consents, server } = sealedWorld(stores)
  await vault.unlock(null)
  consents.give(server(), 'cli')
  const before = stores.consents.get(server().id)
  consents.withdraw(server())
  const after = stores.consents.get(server().id)
  expect(after?.form).toBe(before?.form ?? '')
  expect(after?.seal).not.toBe(before?.seal ?? '')
  expect(consents.of(server())).toBeNull()
  stores.db.statement(`UPDATE consents SET form = replace(form, 'node', 'evil')`).run()
  expect(consents.last(server().id)).toBeNull()
})

test('[consent] a consent from before forms were kept counts, and is kept as one that was when it is withdrawn', async () => {
  using stores = tempStores()
  const { vault, consents, server } = sealedWorld(stores)
  await vault.unlock(null)
  consents.give(server(), 'cli')
  stores.db.statement('UPDATE consents SET form = NULL').run()
  expect([consents.of(server())?.givenBy, consents.last(server().id)]).toEqual(['cli', null])
  consents.withdraw(server())
  expect(consents.last(server().id)).toMatchObject({ withdrawn: true, form: consentForm(server()) })
})
