// A whole gateway in this process, with a keychain of its own, and servers at which a person signs in.
import { join } from 'node:path'
import { readConfig } from '../../gateway/config'
import { startGateway } from '../../gateway/gateway'
import { systemRuntime, type Runtime } from '../../gateway/runtime'
import { type Control, controlOf } from './control'
import { createMemoryKeychain } from './memory-keychain'
import { browse } from './oidc'
import { openCaller } from './scripted'
import { tempHome } from './source-daemon'

interface View {
  id: string
  state: { status: string; need?: string; code?: string; message?: string }
  signIn: { needs: string | null; wantedScope: string | null; bound: boolean; scope: string | null } | null
}

/** A person signs in, at an issuer that asks nothing; resolves when the tokens are there. */
export async function signInAt(control: Control, mcpUrl: string, serverId: string): Promise<void> {
  const flow = await control.send<{ id: string; url: string }>('POST', `/servers/${serverId}/login`, {})
  const url = await browse(flow.url, new URL('/oauth/callback', mcpUrl).href)
  const over = await control.send<{ phase: string; error: string | null }>(
    'POST',
    `/flows/${flow.id}/callback`,
    { url },
  )
  if (over.phase !== 'done') throw new Error(`the sign-in is ${over.phase}: ${over.error}`)
}

export async function oauthGateway(
  runtime: Runtime = systemRuntime,
  place = tempHome(),
  keychain = createMemoryKeychain(),
) {
  const dataDir = join(place.home, 'data')
  const gateway = await startGateway(
    { ...readConfig(dataDir), runtimeDir: place.home },
    { runtime, port: 0, keychain },
  )
  const control = controlOf({ dataDir, home: place.home })
  const [space] = await control.get<{ id: string }[]>('/spaces')
  const { key } = await control.send<{ key: string }>('POST', '/keys', { client: `one ${Date.now()}` })
  const view = (id: string) => control.get<View>(`/servers/${id}`)
  return {
    ...{ gateway, control, keychain, place, view, key },
    caller: await openCaller(gateway, key),
    /** Adds a remote server; it is connected once, or says why not. */
    async add(url: string, name = 'guarded', headers: object = {}, inputs: object[] = []): Promise<View> {
      const { id } = await control.send<View>('POST', '/servers', {
        ...{ spaceId: space?.id, name, inputs, source: 'cli', consent: { givenBy: 'cli' } },
        definition: { type: 'http', url, headers },
      })
      await control.send('POST', `/servers/${id}/connect`, {})
      return view(id)
    },
    signIn: (id: string) => signInAt(control, gateway.mcpUrl, id),
    async [Symbol.asyncDispose]() {
      await gateway.stop()
      place[Symbol.dispose]()
    },
  }
}
