// A vault over a real store, with a keychain that does what a test says. The real keychain has tests of its own.
import type { Runtime } from '../../gateway/runtime'
import { systemRuntime } from '../../gateway/runtime'
import { createVault } from '../../gateway/secrets/vault'
import { createWrappingKeys } from '../../gateway/secrets/wrapping-keys'
import type { VaultState } from '../../gateway/domain/vault-state'
import { createMemoryKeychain } from './memory-keychain'
import type { openStores } from './temp-store'

export function tempVault(
  stores: ReturnType<typeof openStores> & { folder: string },
  keychain = createMemoryKeychain(),
  runtime: Runtime = systemRuntime,
  /** Called before and after each call of the store and of the places for wrapping keys; may throw in their stead. */
  step: (at: string) => void = () => undefined,
) {
  const states: VaultState[] = []
  const rows = stepped(stores.sealedRows, 'rows', (at) => void (at.endsWith('rows.replace') && step(at)))
  const vault = createVault({
    keys: stepped(stores.dataKeys, 'keys', step),
    rows,
    wrapping: stepped(createWrappingKeys({ keychain, dataDir: stores.folder, runtime }), 'wrapping', step),
    keychain: keychain.name,
    runtime,
    onChange: (state) => states.push(state),
  })
  return { vault, keychain, states }
}

function stepped<T extends object>(target: T, name: string, step: (at: string) => void): T {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property)
      if (typeof value !== 'function') return value
      const after = () => step(`after ${name}.${String(property)}`)
      return (...args: unknown[]): unknown => {
        step(`before ${name}.${String(property)}`)
        const result: unknown = Reflect.apply(value, object, args)
        if (result instanceof Promise) return result.finally(after)
        after()
        return result
      }
    },
  })
}
