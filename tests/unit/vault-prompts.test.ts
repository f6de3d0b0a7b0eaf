// What a vault asks of a keychain that asks a person: once, and then only what a person wants.
import { expect, test } from 'bun:test'
import { explainVault } from '../../gateway/domain/vault-state'
import { GatewayError } from '../../gateway/errors'
import { type Runtime, systemRuntime } from '../../gateway/runtime'
import { createMemoryKeychain } from '../support/memory-keychain'
import { tempVault } from '../support/temp-vault'
import { tempStores } from '../support/temp-store'

/** A clock that stands, and a sleep that ends when a test says so. */
function heldRuntime() {
  const sleepers: (() => void)[] = []
  let now = 0
  const runtime: Runtime = {
    ...systemRuntime,
    monotonic: () => now,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        sleepers.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason))
      }),
  }
  return {
    runtime,
    pass: (ms: number) => (now += ms),
    /** Lets the watch of a vault take `turns` looks. */
    async watch(turns: number) {
      for (let turn = 0; turn < turns; turn++) {
        sleepers.shift()?.()
        while (sleepers.length === 0) await Bun.sleep(0)
      }
    },
  }
}

test('[threat.54] after a person refused nothing asks the keychain until a person wants it', async () => {
  using stores = tempStores()
  const keychain = createMemoryKeychain()
  await tempVault(stores, keychain).vault.unlock(null)
  Object.assign(keychain, { trouble: 'locked', slow: true })
  const { runtime, watch } = heldRuntime()
  const { vault } = tempVault(stores, keychain, runtime)
  expect(await vault.unlock(null)).toMatchObject({ status: 'locked', why: 'keychain_refused' })
  const { calls } = keychain
  vault.watch()
  await watch(5)
  expect(await vault.check()).toBe('keychain_refused')
  expect(keychain.calls).toBe(calls)
  keychain.trouble = null
  expect(await vault.unlock(null)).toMatchObject({ status: 'open' })
  vault[Symbol.dispose]()
})

test('[threat.54] while the keychain may be asking, the vault says so, and goes on once it is allowed', async () => {
  using stores = tempStores()
  const keychain = createMemoryKeychain()
  await tempVault(stores, keychain).vault.unlock(null)
  Object.assign(keychain, { trouble: 'timeout', slow: true })
  const { runtime, watch } = heldRuntime()
  const { vault, states } = tempVault(stores, keychain, runtime)
  expect(await vault.unlock(null)).toMatchObject({ status: 'locked', why: 'keychain_asks' })
  vault.watch()
  await watch(3)
  keychain.trouble = null
  await watch(2)
  expect(states.map((state) => state.status)).toEqual(['locked', 'open'])
  vault[Symbol.dispose]()
})

test('[threat.54] an open vault whose check a person refused is not checked again by itself', async () => {
  using stores = tempStores()
  const { vault, keychain } = tempVault(stores)
  await vault.unlock(null)
  Object.assign(keychain, { trouble: 'locked', slow: true })
  expect(await vault.check()).toBe('keychain_refused')
  const { calls } = keychain
  expect(await vault.check()).toBe('keychain_refused')
  expect(keychain.calls).toBe(calls)
  keychain.trouble = null
  await vault.unlock(null)
  expect(await vault.check()).toBeNull()
})

test('[threat.54] a first key that a person has to allow is asked for once, whatever the answer', async () => {
  for (const answer of ['allows', 'refuses'] as const) {
    using stores = tempStores()
    const keychain = createMemoryKeychain()
    const { runtime, watch, pass } = heldRuntime()
    const { write } = keychain
    let prompts = 0
    const stored: [string, Uint8Array][] = []
    keychain.write = async (account, value) => {
      prompts += 1
      stored.push([account, value.slice()])
      pass(3_000)
      throw new GatewayError('keychain.unavailable', 'it did not answer in time')
    }
    const { vault } = tempVault(stores, keychain, runtime)
    expect(await vault.unlock(null)).toMatchObject({ status: 'new', why: 'keychain_asks' })
    Object.assign(keychain, { trouble: 'timeout', slow: true })
    vault.watch()
    await watch(4)
    expect([answer, vault.state()]).toEqual([
      answer,
      { status: 'new', keychain: keychain.name, why: 'keychain_asks' },
    ])
    keychain.trouble = null
    if (answer === 'allows') {
      const [[account, value] = ['', new Uint8Array()]] = stored
      keychain.entries.set(account, value)
      keychain.write = write
    }
    await watch(4)
    expect([answer, prompts]).toEqual([answer, 1])
    expect(vault.state()).toMatchObject(
      answer === 'allows' ? { status: 'open' } : { status: 'new', why: 'keychain_refused' },
    )
    expect(keychain.entries.size).toBe(answer === 'allows' ? 1 : 0)
    if (answer === 'refuses') {
      keychain.write = write
      expect(await vault.unlock(null)).toMatchObject({ status: 'open' })
    }
    vault[Symbol.dispose]()
  }
})

test('[threat.54] what to do is said for a keychain that asks and for one that was refused', () => {
  for (const [why, todo] of [
    ['keychain_asks', 'answer what it asks'],
    ['keychain_refused', 'mcpmux vault unlock'],
  ] as const)
    for (const status of ['locked', 'new'] as const)
      expect(explainVault({ status, place: 'keychain', keychain: 'K', why })).toMatchObject({
        what: expect.stringMatching(/^the K /),
        todo: expect.stringContaining(todo),
      })
})
