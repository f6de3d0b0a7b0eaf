// A program that uses the keychain as the gateway does. Its environment names the bus: the library reads it once, so
// that each keyring needs a process of its own. Lines of JSON in and out.
import { createInterface } from 'node:readline'
import { toGatewayError } from '../../gateway/errors'
import { systemRuntime } from '../../gateway/runtime'
import { createOsKeychain } from '../../gateway/secrets/os-keychain'

export interface Order {
  id: number
  do: 'read' | 'write' | 'remove'
  account: string
  value?: string
}

const keychain = createOsKeychain({ platform: process.platform, runtime: systemRuntime })
let turns = 0
setInterval(() => turns++, 10).unref()

async function obey({ do: action, account, value = '' }: Order) {
  if (action === 'read') {
    const reading = await keychain.read(account)
    return reading.state === 'present'
      ? { state: reading.state, value: Buffer.from(reading.value).toString('base64') }
      : reading
  }
  if (action === 'write') await keychain.write(account, Buffer.from(value, 'base64'))
  else await keychain.remove(account)
  return { state: 'done' }
}

const orders = createInterface({ input: process.stdin })
orders.on('line', (line) => {
  const order: Order = JSON.parse(line)
  turns = 0
  void obey(order)
    .catch((thrown) => ({
      state: 'threw',
      code: toGatewayError(thrown).code,
      message: toGatewayError(thrown).message,
    }))
    .then((answer) => process.stdout.write(`${JSON.stringify({ id: order.id, turns, ...answer })}\n`))
})
orders.on('close', () => process.exit(0))
