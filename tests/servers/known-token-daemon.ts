// The gateway with dice that are known, so that a test can look for what it must not show:
//   known-token-daemon.ts DATA_FOLDER      one line {"adminUrl","secrets"} when it serves; ends with its input
import { readConfig } from '../../gateway/config'
import { startGateway } from '../../gateway/gateway'
import { systemRuntime } from '../../gateway/runtime'

const [dataDir] = process.argv.slice(2)
const secrets: string[] = []
const randomBytes = (length: number): Uint8Array => {
  const bytes = systemRuntime.randomBytes(length)
  secrets.push(Buffer.from(bytes).toString('base64url'))
  return bytes
}
const gateway = await startGateway(readConfig(dataDir), {
  runtime: { ...systemRuntime, randomBytes },
  port: 0,
})
const { adminUrl, mcpUrl } = gateway
process.stdout.write(`${JSON.stringify({ adminUrl, mcpUrl, secrets })}\n`)
for await (const _ of Bun.stdin.stream()) {
  // Waits for the end.
}
await gateway.stop()
