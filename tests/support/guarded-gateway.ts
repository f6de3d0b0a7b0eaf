// A whole gateway in this process, and the way of a person through sign-ins at servers behind it: over the control socket,
// through the browser, and back in at the first door.
import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { readConfig } from '../../gateway/config'
import type { FlowPhase } from '../../gateway/domain/authorization'
import { startGateway } from '../../gateway/gateway'
import { systemRuntime } from '../../gateway/runtime'
import { controlOf } from './control'
import { eventually } from './daemon'
import type { EvilAs } from './evil-as'
import { createMemoryKeychain } from './memory-keychain'
import { tempHome } from './source-daemon'

export interface Flow {
  id: string
  phase: FlowPhase
  error: string | null
  detail: string | null
  url: string | null
  scope: string | null
}

export interface GuardedGateway extends AsyncDisposable {
  /** Adds a server at this address; resolves with its id. */
  add(url: string): Promise<string>
  /** Connects to it now; resolves with its state. */
  connect(serverId: string): Promise<string>
  remove(serverId: string): Promise<void>
  /** Asks for a sign-in. Rejects with what the gateway says. */
  login(serverId: string): Promise<Flow>
  flow(id: string): Promise<Flow>
  flows(): Promise<Flow[]>
  /** The person's browser: there and back. Resolves with the flow as it is then, and what the page said. */
  browse(evil: EvilAs, flow: Flow): Promise<{ flow: Flow; page: string }>
  /** What a tool says; rejects with what the gateway says. */
  call(serverId: string, tool: string): Promise<string>
  state(serverId: string): Promise<string>
  /** What is stored of the tokens of a server, sealed as it is; none but their lifetime changes it. */
  stored(serverId: string): unknown[]
  /** Milliseconds both clocks are ahead. */
  later(ms: number): void
  /** Waits of the gateway last so many times less. */
  hurry: number
}

export async function startGuardedGateway(): Promise<GuardedGateway> {
  const place = tempHome()
  const config = { ...readConfig(join(place.home, 'data')), runtimeDir: place.home }
  let ahead = 0
  let hurry = 1
  const gateway = await startGateway(config, {
    runtime: {
      ...systemRuntime,
      now: () => systemRuntime.now() + ahead,
      monotonic: () => systemRuntime.monotonic() + ahead,
      sleep: (ms, signal) => systemRuntime.sleep(ms / hurry, signal),
    },
    port: 0,
    keychain: createMemoryKeychain(),
  })
  const control = controlOf({ dataDir: config.dataDir, home: place.home })
  const [space] = await control.get<{ id: string }[]>('/spaces')
  const flow = (id: string) => control.get<Flow>(`/flows/${id}`)
  interface View {
    state: { status: string }
  }
  const state = async (id: string) => (await control.get<View>(`/servers/${id}`)).state.status
  const connect = async (id: string) =>
    (await control.send<View>('POST', `/servers/${id}/connect`)).state.status
  let added = 0

  return {
    flow,
    state,
    connect,
    async add(url) {
      const { id } = await control.send<{ id: string }>('POST', '/servers', {
        spaceId: space?.id,
        name: `guarded ${++added}`,
        definition: { type: 'http', url, headers: {} },
        source: 'cli',
        consent: { givenBy: 'cli' },
      })
      return id
    },
    remove: (id) => control.send('DELETE', `/servers/${id}`),
    login: (id) => control.send('POST', `/servers/${id}/login`, { open: false }),
    flows: () => control.get('/flows'),
    async browse(evil, { id, url }) {
      const back = await evil.browse(url ?? '')
      const answer = await fetch(back)
      const page = await answer.text()
      // What answers no sign-in leaves it waiting, and is over when the page is there.
      const seen = await eventually(
        () => flow(id),
        ({ phase }) => phase !== 'received',
      )
      return { flow: seen, page }
    },
    async call(id, tool) {
      const answer = await control.send<{ result?: { content: { text: string }[] }; error?: unknown }>(
        'POST',
        `/servers/${id}/call?tool=${tool}`,
        {},
      )
      if (!answer.result) throw new Error(JSON.stringify(answer.error))
      return answer.result.content.map(({ text }) => text).join('')
    },
    stored(serverId) {
      using db = new Database(join(config.dataDir, 'mcpmux.db'), { readonly: true })
      return db
        .query(
          'SELECT issuer, resource, client_id, hex(envelope) AS envelope FROM oauth_tokens WHERE server_id = ?',
        )
        .all(serverId)
    },
    later(ms) {
      ahead += ms
    },
    get hurry() {
      return hurry
    },
    set hurry(times) {
      hurry = times
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      place[Symbol.dispose]()
    },
  }
}
