// The gateway that is killed, as with kill -9, between the answer of an authorization server to a refresh and the moment it
// would store what it got.
import { run } from '../../gateway/cli/run'
import { systemRuntime } from '../../gateway/runtime'

const { fetch } = systemRuntime
async function killedFetch(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request)
  const body = request[1]?.body
  const form = body instanceof Uint8Array ? new TextDecoder().decode(body) : ''
  if (!form.includes('grant_type=refresh_token')) return response
  await response.bytes()
  process.kill(process.pid, 'SIGKILL')
  return await new Promise(() => undefined)
}
systemRuntime.fetch = Object.assign(killedFetch, { preconnect: fetch.preconnect })
process.exitCode = await run(process.argv.slice(2))
