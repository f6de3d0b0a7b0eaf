import { expect, test } from 'bun:test'
import { networkInterfaces } from 'node:os'
import { connect } from 'node:net'
import { GatewayError } from '../../gateway/errors'
import { loopbackAddresses, openListener } from '../../gateway/mcp/listener'
import { startDoor } from '../support/door'

const wildcards = [
  '',
  '0',
  '0.0',
  '0.0.0',
  '0.0.0.0',
  '00.0.0.0',
  '0x0',
  '0x00000000',
  '0.0.0.0.',
  ' 0.0.0.0',
  '*',
  '::',
  '::0',
  '0::',
  '::0:0',
  '0:0:0:0:0:0:0:0',
  '[::]',
  '::ffff:0.0.0.0',
  '::ffff:0:0',
  '[::ffff:0.0.0.0]',
  '::%lo',
  'any',
  'undefined',
  'null',
]
const others = [
  '10.0.0.1',
  '192.168.1.1',
  '127.0.0.2',
  '127.1',
  '2130706433',
  'localhost.',
  'LOCALHOST',
  'example.com',
  'fe80::1',
  '[::1]',
  '__proto__',
  'constructor',
  'toString',
]

const refusal = (run: () => unknown): string => {
  try {
    run()
    return 'accepted'
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error)
  }
}

test('[threat.01] every spelling of "all addresses", and every address that is not ours, is refused', async () => {
  for (const host of [...wildcards, ...others]) {
    expect([host, refusal(() => loopbackAddresses(host))]).toEqual([host, 'listen.not_loopback'])
    const opened = openListener({ host, port: 0, handler: () => () => new Response(), report: () => {} })
    expect([host, await opened.catch((error: GatewayError) => error.code)]).toEqual([
      host,
      'listen.not_loopback',
    ])
  }
})

const canConnect = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 })
    const end = (reached: boolean) => {
      socket.destroy()
      resolve(reached)
    }
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
    socket.on('timeout', () => end(false))
  })

test('[threat.01] [gw.local] the door listens on loopback and nothing else', async () => {
  await using door = await startDoor()
  expect(door.listener.addresses.length).toBeGreaterThan(0)
  expect(door.listener.addresses.every((address) => ['127.0.0.1', '::1'].includes(address))).toBe(true)
  const listing = Bun.spawnSync(['ss', '-ltnH']).stdout.toString()
  const bound = listing
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[3] ?? '')
    .filter((address) => address.endsWith(`:${door.port}`))
  expect(bound.sort()).toEqual(
    [...door.listener.addresses]
      .map((address) => (address === '::1' ? `[::1]:${door.port}` : `${address}:${door.port}`))
      .sort(),
  )
  const outside = Object.values(networkInterfaces())
    .flat()
    .flatMap((one) =>
      one && !one.internal ? [one.scopeid ? `${one.address}%${one.scopeid}` : one.address] : [],
    )
  for (const address of outside)
    expect([address, await canConnect(address, door.port)]).toEqual([address, false])
  expect(await canConnect('127.0.0.1', door.port)).toBe(true)
})
