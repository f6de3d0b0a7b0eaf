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
) {
  const states: VaultState[] = []
  const vault = createVault({
    keys: stores.dataKeys,
    wrapping: createWrappingKeys({ keychain, dataDir: stores.folder, runtime }),
    keychain: keychain.name,
    runtime,
    onChange: (state) => states.push(state),
  })
  return { vault, keychain, states }
}
