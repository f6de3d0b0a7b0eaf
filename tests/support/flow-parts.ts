// Sign-ins at servers without the rest of a gateway: real stores, a real vault, real requests, and the callback on a socket.
import type { RemoteDefinition, Server } from '../../gateway/domain/server'
import { createEvents } from '../../gateway/events'
import { createGuard } from '../../gateway/mcp/guard'
import { systemResolve } from '../../gateway/net/reach'
import { createSafeFetch } from '../../gateway/net/safe-fetch'
import { type AcceptTokens } from '../../gateway/oauth/finish'
import { CALLBACK_PATH, createCallbackDoors } from '../../gateway/oauth/callback'
import { createOAuthFetch } from '../../gateway/oauth/fetch'
import { createFlowRows } from '../../gateway/oauth/flow-rows'
import { createFlows } from '../../gateway/oauth/flows'
import type { FlowView } from '../../gateway/oauth/flow-view'
import { createChooseRegistration } from '../../gateway/oauth/registration'
import { createRegistrations } from '../../gateway/oauth/registrations'
import { createWithdraw } from '../../gateway/oauth/withdraw'
import { createSealedTokens } from '../../gateway/oauth/sealed-tokens'
import { createTokenEndpoint } from '../../gateway/oauth/token-endpoint'
import { type Runtime, systemRuntime } from '../../gateway/runtime'
import { createRedactor } from '../../gateway/secrets/redactor'
import type { EvilAs } from './evil-as'
import { tempStores } from './temp-store'
import { tempVault } from './temp-vault'

type Accepted = Parameters<AcceptTokens>

export interface FlowPartsOptions {
  runtime?: Runtime
  stores?: ReturnType<typeof tempStores>
  vault?: Pick<ReturnType<typeof tempVault>, 'vault' | 'keychain'>
}

/** A runtime whose two clocks are moved by hand; what sleeps, sleeps on the real one. */
export function movedClock(): Runtime & { move(ms: number): void } {
  let moved = 0
  return {
    ...systemRuntime,
    now: () => systemRuntime.now() + moved,
    monotonic: () => systemRuntime.monotonic() + moved,
    move: (ms) => void (moved += ms),
  }
}

export async function openFlowParts(options: FlowPartsOptions = {}) {
  const runtime = options.runtime ?? systemRuntime
  const stores = options.stores ?? tempStores(runtime)
  const { vault, keychain } = options.vault ?? tempVault(stores, undefined, runtime)
  if (!options.vault) await vault.unlock(null)
  const problems: unknown[] = []
  const events = createEvents((error) => problems.push(error))
  const changes: string[] = []
  events.on('flow.changed', ({ flowId }) => changes.push(`${flowId} ${stores.flows.get(flowId)?.phase}`))
  const safeFetch = createSafeFetch({ runtime, environment: {}, resolve: systemResolve })
  const fetchFor = createOAuthFetch({ safeFetch, runtime })
  const rows = createFlowRows({ store: stores.flows, tokens: stores.tokens, vault, events, runtime })
  const registrations = createRegistrations({ store: stores.registrations, vault, db: stores.db })
  const sealed = createSealedTokens({ store: stores.tokens, vault })
  const accepted: Accepted[] = []
  const challenges = new Map<string, string>()
  let consented = true
  let port = 0
  const flows = createFlows({
    servers: stores.servers,
    tokens: stores.tokens,
    needs: { wanted: stores.signInWants.add },
    choose: createChooseRegistration({
      registrations,
      tokens: stores.tokens,
      flows: stores.flows,
      document: () => stores.settings.read('oauth.client_document'),
      runtime,
    }),
    consented: () => consented,
    lastChallenge: (id) => challenges.get(id) ?? null,
    redirectUri: () => `http://127.0.0.1:${port}${CALLBACK_PATH}`,
    tokenEndpoint: createTokenEndpoint({ safeFetch, runtime }),
    accept(...all) {
      accepted.push(all)
      const [binding, { clientId }, metadata, grant] = all
      const next = { ...binding, ...grant, clientId, metadata, needs: null, wantedScope: null }
      sealed.put(next, stores.tokens.get(binding)?.version ?? 0)
    },
    redactor: createRedactor(),
    report: (error) => problems.push(error),
    ...{ rows, registrations, vault, safeFetch, fetchFor, events, runtime, db: stores.db },
  })
  const listener = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const door = createCallbackDoors(flows.receive)(createGuard(port).hosts)
      return (
        door.at(request.url.split('?', 1)[0] ?? '')?.(request) ?? new Response('nothing', { status: 404 })
      )
    },
  })
  port = listener.port ?? 0

  /** Another server in the first Space. */
  function addServer(url: string, patch: Partial<RemoteDefinition> = {}): Server {
    const spaceId = stores.spaces.list()[0]?.id ?? ''
    const name = `server ${stores.servers.list().length}`
    const alias = `s${stores.servers.list().length}`
    const definition = { type: 'http', url, headers: {}, ...patch } as const
    return stores.servers.create({ spaceId, name, alias, definition, source: 'test' })
  }

  return {
    ...{
      flows,
      stores,
      vault,
      keychain,
      events,
      registrations,
      accepted,
      changes,
      challenges,
      problems,
      addServer,
    },
    withdraw: createWithdraw({ registrations, fetchFor, tokens: { forget: () => Promise.resolve(true) } }),
    origin: `http://127.0.0.1:${port}`,
    refuseConsent: () => void (consented = false),
    /** The server wants more than its tokens have. */
    want(serverId: string, scope: string | null): void {
      for (const row of stores.tokens.list(serverId)) stores.tokens.mark(row, row.version, 'scope', scope)
    },
    /** A whole sign-in. */
    async signIn(evil: EvilAs, serverId: string): Promise<FlowView> {
      const { url } = await flows.begin(serverId)
      return flows.finish(String(await evil.browse(url ?? '')))
    },
    /** What a browser does with a sign-in at this authorization server; gives the page it ends on. */
    async browse(
      evil: EvilAs,
      flow: FlowView,
    ): Promise<{ callback: URL; status: number; url: string; page: string }> {
      const callback = await evil.browse(flow.url ?? '')
      const response = await fetch(callback)
      return { callback, status: response.status, url: response.url, page: await response.text() }
    },
    /** The flow once it is over. */
    async over(id: string): Promise<FlowView> {
      for (;;) {
        const flow = flows.get(id)
        if (flow.phase !== 'waiting' && flow.phase !== 'received') return flow
        await Bun.sleep(5)
      }
    },
    async [Symbol.asyncDispose]() {
      await listener.stop(true)
      flows.close()
      if (!options.vault) vault[Symbol.dispose]()
      if (!options.stores) stores[Symbol.dispose]()
    },
  }
}
