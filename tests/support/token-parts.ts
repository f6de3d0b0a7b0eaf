// What keeps and renews tokens, as the gateway builds it, over a real store and a real vault.
import { createCalled } from '../../gateway/domain/called'
import { openOAuth } from '../../gateway/compose/oauth'
import type { Server } from '../../gateway/domain/server'
import { createEvents } from '../../gateway/events'
import { systemRuntime, type Runtime } from '../../gateway/runtime'
import { createRedactor } from '../../gateway/secrets/redactor'
import { testFetch } from './remote-leg'
import { openStores, tempStores } from './temp-store'
import { tempVault } from './temp-vault'
import type { TokenIssuer } from './token-issuer'

type Stores = ReturnType<typeof openStores> & { folder: string; file: string }

export interface TokenPartsOptions {
  runtime?: Runtime
  /** Over a database that exists, as a second process would. */
  beside?: { stores: Stores; keychain: ReturnType<typeof tempVault>['keychain'] }
}

export async function tokenParts(issuer: TokenIssuer, options: TokenPartsOptions = {}) {
  const runtime = options.runtime ?? systemRuntime
  const parts = new AsyncDisposableStack()
  const { beside } = options
  const stores: Stores = beside
    ? { ...openStores(beside.stores.file, runtime), folder: beside.stores.folder, file: beside.stores.file }
    : parts.use(tempStores(runtime))
  if (beside) parts.defer(() => stores.db.close())
  const { vault, keychain } = tempVault(stores, beside?.keychain, runtime)
  parts.use(vault)
  await vault.unlock(null)
  const told: string[] = []
  const faults: unknown[] = []
  const events = createEvents((error) => void faults.push(error))
  events.on('authorization.changed', ({ serverId }) => void told.push(serverId))
  const redactor = createRedactor()
  const oauth = openOAuth(
    parts,
    {
      ...{ runtime, redactor, vault, events, stores, safeFetch: testFetch({ runtime }) },
      called: createCalled(stores),
      fault: (error) => void faults.push(error),
      consents: { of: () => ({ givenBy: 'test', givenAt: 0 }) },
      trail: { record: () => undefined },
      tell: { server: () => undefined },
    },
    () => ({ port: 1, addresses: ['127.0.0.1'] }),
  )
  const spaceId = stores.spaces.active().id

  return {
    ...{ stores, vault, keychain, events, redactor, told, faults, runtime, ...oauth },
    /** A server of the first Space at this address. */
    server(url: string, name = 'Remote'): Server {
      const known = stores.servers.list().find((server) => server.name === name)
      if (known) return known
      const definition = { type: 'http', url, headers: {} } as const
      return stores.servers.create({
        ...{ spaceId, name, alias: name.toLowerCase(), definition, source: 'cli' },
      })
    },
    /** A person signs in at the issuer. */
    signIn(server: Server, resource: string, scope?: string) {
      const { family, ...grant } = issuer.begin(resource, runtime.now(), scope)
      const binding = { serverId: server.id, spaceId: server.spaceId, issuer: issuer.url, resource }
      oauth.registrations.put(server, { ...issuer.registration, management: null })
      oauth.tokens.accept(binding, issuer.registration, issuer.metadata, grant)
      return { family, ...grant, binding }
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

export type TokenParts = Awaited<ReturnType<typeof tokenParts>>
