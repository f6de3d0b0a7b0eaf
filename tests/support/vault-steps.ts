// A vault that is ended at each step of what it does, and what the next start finds.
import { expect } from 'bun:test'
import { readdirSync } from 'node:fs'
import type { VaultPlace } from '../../gateway/domain/vault-state'
import { systemRuntime } from '../../gateway/runtime'
import { Secret } from '../../gateway/secrets/secret'
import { createMemoryKeychain, type MemoryKeychain } from './memory-keychain'
import { readEverywhere, sealEverywhere } from './sealed-values'
import { tempVault } from './temp-vault'
import { tempStores } from './temp-store'

type Stores = ReturnType<typeof tempStores>

export const passphrase = new Secret('correct horse battery')
export const given = (to: VaultPlace | undefined) => (to === 'passphrase' ? passphrase : null)

/** Where wrapping keys lie, whole or in part, and where the database says that they do. */
export function places(stores: Stores, keychain: MemoryKeychain) {
  const files = readdirSync(stores.folder).filter((name) => name.startsWith('vault-'))
  const named = stores.db
    .statement<{ name: string }>(
      `SELECT iif(place = 'file', 'vault-' || wrapping_id || '.key', 'vault-' || wrapping_id) AS name
       FROM data_keys WHERE place <> 'passphrase'`,
    )
    .all()
  return {
    lying: [...keychain.entries.keys(), ...files].toSorted(),
    named: named.map(({ name }) => name).toSorted(),
  }
}

/** Starts anew, and waits until what was left over is cleaned up. */
export async function startAgain(stores: Stores, keychain: MemoryKeychain) {
  const { vault } = tempVault(stores, keychain)
  const secret = given(stores.dataKeys.active()?.place)
  await vault.unlock(secret)
  await vault.unlock(secret)
  return vault
}

class Killed extends Error {}

/**
 * Does `act` on a vault again and again, ended one step later each time: `kill` does nothing more from that step on,
 * `stop` closes the vault there and lets the rest run. Each time the next start must find all that was sealed, and no
 * key that wraps nothing. Returns the steps there were.
 */
export async function endAtEachStep(
  from: VaultPlace,
  how: 'kill' | 'stop',
  act: (vault: ReturnType<typeof tempVault>['vault']) => Promise<unknown>,
): Promise<string[]> {
  for (let end = 0; ; end++) {
    using stores = tempStores()
    const keychain = createMemoryKeychain()
    const before = tempVault(stores, keychain).vault
    await before.moveTo(from, given(from))
    sealEverywhere(stores, before, 'one')
    const said = readEverywhere(stores, before)
    const keyIds = new Set(stores.sealedRows.all().map((row) => row.keyId))
    expect([keyIds.size, said.size > 4]).toEqual([1, true])

    const steps: string[] = []
    let counting = false
    const { vault } = tempVault(stores, keychain, systemRuntime, (at) => {
      if (!counting || steps.push(at) <= end) return
      if (how === 'kill') throw new Killed(at)
      vault[Symbol.dispose]()
    })
    await vault.unlock(given(from))
    counting = true
    await act(vault).catch(() => undefined)
    counting = false
    vault[Symbol.dispose]()

    const again = await startAgain(stores, keychain)
    const { lying, named } = places(stores, keychain)
    expect([end, steps.at(-1), again.state().status, lying]).toEqual([end, steps.at(-1), 'open', named])
    expect(stores.dataKeys.unused()).toEqual([])
    // After a reset the old key is retired, and opens once it is back in use.
    const rows = stores.sealedRows.all().filter((row) => row.keyId === stores.dataKeys.active()?.id)
    const retired = stores.db.statement('SELECT id FROM data_keys WHERE active = 0').all()
    if (retired.length === 0)
      expect([end, rows.length, readEverywhere(stores, again)]).toEqual([end, said.size, said])
    if (steps.length <= end) return steps
  }
}
