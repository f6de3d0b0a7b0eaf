import { expect, test } from 'bun:test'
import { GatewayError } from '../../gateway/errors'
import { openListener } from '../../gateway/mcp/listener'
import { startDoor } from '../support/door'

const squat = (hostname: string, port: number, heard: string[]) =>
  Bun.serve({
    hostname,
    port,
    fetch: async (request) => {
      heard.push(JSON.stringify([...request.headers]) + (await request.text()))
      return new Response('squatter')
    },
  })

for (const taken of ['127.0.0.1', '::1'] as const)
  test(`[threat.07] a program that holds the port on ${taken} stops the start, and is named`, async () => {
    const heard: string[] = []
    const squatter = squat(taken, 0, heard)
    const port = squatter.port ?? 0
    try {
      const opened = openListener({
        host: 'localhost',
        port,
        handler: () => () => new Response(),
        report: () => {},
      })
      const error = await opened.catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(GatewayError)
      expect((error as GatewayError).code).toBe('listen.taken')
      expect((error as GatewayError).message).toContain(String(port))
      expect((error as GatewayError).message).toContain(`pid ${process.pid}`)
      const free = taken === '::1' ? '127.0.0.1' : '::1'
      const other = squat(free, port, heard)
      expect(other.port).toBe(port)
      await other.stop(true)
      expect(heard).toEqual([])
    } finally {
      await squatter.stop(true)
    }
  })

test('[threat.07] a free port is held on both families, so nobody else can be localhost', async () => {
  await using door = await startDoor()
  for (const address of door.listener.addresses)
    for (const reusePort of [false, true])
      expect(() =>
        Bun.serve({ hostname: address, port: door.port, reusePort, fetch: () => new Response() }),
      ).toThrow()
  for (const address of door.listener.addresses) {
    const host = address === '::1' ? '[::1]' : address
    expect((await fetch(`http://${host}:${door.port}/health`)).status).toBe(200)
  }
})
