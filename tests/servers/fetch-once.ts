// Fetches one URL as the gateway would and prints what came of it, so that a test can choose the environment:
// bun fetch-once.ts URL
import { readBody } from '../../gateway/net/body'
import { createSafeFetch } from '../../gateway/net/safe-fetch'
import { systemResolve } from '../../gateway/net/reach'
import { systemRuntime } from '../../gateway/runtime'
import { toGatewayError } from '../../gateway/errors'

const environment: Record<string, string> = {}
for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value
const safeFetch = createSafeFetch({ runtime: systemRuntime, environment, resolve: systemResolve })
let outcome: string
try {
  const response = await safeFetch(new URL(process.argv[2] ?? ''), { trust: { kind: 'typed' } })
  outcome = `${response.status} ${new TextDecoder().decode(await readBody(response, 1000))}`
} catch (error) {
  outcome = toGatewayError(error).code
}
process.stdout.write(`${outcome}\n`)
