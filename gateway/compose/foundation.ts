import { join } from 'node:path'
import type { Config } from '../config'
import { createEvents } from '../events'
import type { GatewayOptions } from './options'
import { byGateway } from '../domain/audit'
import { createCalled } from '../domain/called'
import { createAuditTrail } from '../logs/audit'
import { createJournal } from '../logs/journal'
import { createTeller } from '../logs/teller'
import { createConsents } from '../secrets/consents'
import { openInstallKey } from '../secrets/install-key'
import { pinsEntry } from '../pins/notice'
import { createPins } from '../pins/pins'
import { systemResolve } from '../net/reach'
import { createSafeFetch } from '../net/safe-fetch'
import { createOsKeychain } from '../secrets/os-keychain'
import { createRedactor } from '../secrets/redactor'
import { createServerSecrets } from '../secrets/server-secrets'
import { createValueResolver } from '../secrets/server-values'
import { createSpaceSecrets } from '../secrets/space-secrets'
import { createVault } from '../secrets/vault'
import { createWrappingKeys } from '../secrets/wrapping-keys'
import { openStores } from '../store/stores'
import { createUpkeep } from '../store/upkeep'
import { version } from '../version'

/** Where parts are put that are open, to be ended in reverse. */
export type Parts = Pick<AsyncDisposableStack, 'use' | 'defer'>

/** What everything else stands on: logs, the data folder's file, the vault. */
export type Foundation = ReturnType<typeof openFoundation>

/** Opens logs, stores and the vault of a data folder that is ours. `unlocking` settles when the keychain has answered. */
export function openFoundation(parts: Parts, config: Config, options: GatewayOptions) {
  const { runtime } = options
  const startedAt = runtime.now()
  const redactor = createRedactor()
  const { redact } = redactor
  const journal = parts.use(createJournal({ folder: join(config.dataDir, 'logs'), redact, runtime }))
  const tell = createTeller({ journal, redact, runtime, report: options.report, verbose: options.verbose })
  const { fault } = tell
  const file = join(config.dataDir, 'mcpmux.db')
  const stores = openStores(file, runtime)
  parts.defer(() => stores.db.close())
  const upkeep = parts.use(createUpkeep({ db: stores.db, file, runtime, report: fault }))
  const trail = parts.use(
    createAuditTrail({
      store: stores.audit,
      redact,
      settings: stores.settings.read,
      runtime,
      report: fault,
    }),
  )
  trail.record({ action: 'gateway.started', actor: byGateway, detail: { version, pid: process.pid } })
  parts.defer(() => trail.record({ action: 'gateway.stopped', actor: byGateway }))
  const events = createEvents(fault)
  const safeFetch = createSafeFetch({ runtime, environment: config.environment, resolve: systemResolve })
  const keychain = options.keychain ?? createOsKeychain({ platform: config.platform, runtime })
  const vault = parts.use(
    createVault({
      keys: stores.dataKeys,
      rows: stores.sealedRows,
      wrapping: createWrappingKeys({ keychain, dataDir: config.dataDir, runtime }),
      keychain: keychain.name,
      runtime,
      onChange(state) {
        tell.vault(state)
        events.emit('vault.changed', { state })
      },
    }),
  )
  // The keychain takes its time, and what follows needs none of it.
  const unlocking = vault.unlock(null).catch(fault)
  const secrets = createServerSecrets({ vault, credentials: stores.credentials })
  const namedSecrets = createSpaceSecrets({ vault, store: stores.spaceSecrets })
  const values = createValueResolver({
    secrets,
    spaceSecrets: namedSecrets,
    environment: config.environment,
  })
  const consents = createConsents({
    store: stores.consents,
    fileKey: openInstallKey(config.dataDir, runtime),
    vaultKey: () => vault.ownKey('consent'),
  })
  const pins = createPins({
    store: stores.pinRows,
    catalog: stores.catalog,
    servers: stores.servers,
    db: stores.db,
    events,
    keep: () => stores.settings.read('limits.tools_per_server'),
    log: (server, line) => tell.server(server, 'Feature', line),
    record: (server, noticed) =>
      trail.record({ action: 'pins.changed', actor: byGateway, ...pinsEntry(server, noticed) }),
  })
  return {
    config,
    runtime,
    startedAt,
    redactor,
    journal,
    tell,
    fault,
    stores,
    upkeep,
    trail,
    events,
    called: createCalled(stores),
    safeFetch,
    vault,
    unlocking,
    secrets,
    namedSecrets,
    values,
    consents,
    pins,
  }
}
