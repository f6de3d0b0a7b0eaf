// The request a connection holds open to hear of changes: when it is made anew, and what a faulty server can do with it.
import { expect, test } from 'bun:test'
import { eventually } from '../support/daemon'
import { openEra } from '../support/era-connection'
import { rejection } from '../support/remote-leg'

interface Listen {
  id: number
  notifications: { toolsListChanged?: boolean; resourceSubscriptions?: string[] }
  open: boolean
  headers: Headers
  event(message: object): void
  acknowledge(more?: object): void
  updated(uri: string): void
  end(): void
}
const key = 'io.modelcontextprotocol/subscriptionId'

/** An HTTP server of the newer era whose listening requests a test holds in its hands. */
function listening(refuse?: (listen: Listen) => object | null) {
  const listens: Listen[] = []
  const methods: string[] = []
  const http = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      methods.push(`${request.method} ${request.headers.get('mcp-method')}`)
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const { id, method, params } = (await request.json()) as {
        id: number
        method: string
        params: Pick<Listen, 'notifications'>
      }
      const result = (value: object) => Response.json({ jsonrpc: '2.0', id, result: value })
      if (method === 'server/discover')
        return result({
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
        })
      if (method !== 'subscriptions/listen') return result({})
      let out: ReadableStreamDefaultController<Uint8Array> | null = null
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          out = controller
        },
        cancel() {
          listen.open = false
        },
      })
      const listen: Listen = {
        id,
        notifications: params.notifications,
        open: true,
        headers: request.headers,
        event(message) {
          if (listen.open)
            out?.enqueue(
              new TextEncoder().encode(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`),
            )
        },
        acknowledge(more = listen.notifications) {
          const notification = { _meta: { [key]: id }, notifications: more }
          listen.event({ method: 'notifications/subscriptions/acknowledged', params: notification })
        },
        updated: (uri) =>
          listen.event({
            method: 'notifications/resources/updated',
            params: { _meta: { [key]: id, a: 1 }, uri },
          }),
        end() {
          listen.open = false
          out?.close()
        },
      }
      listens.push(listen)
      const refusal = refuse?.(listen)
      if (refusal) return Response.json({ jsonrpc: '2.0', id, error: refusal })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  const nth = (n: number) =>
    eventually(
      () => listens[n],
      (found) => found !== undefined,
    ) as Promise<Listen>
  return { url: `${http.url}mcp`, listens, methods, nth, [Symbol.asyncDispose]: () => http.stop(true) }
}
const message = (method: string, uri: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"resources/${method}","params":{"uri":"${uri}"}}`

test('[mcp.modern] one request is held for lists and resources, and made anew without a gap when the set changes', async () => {
  await using http = listening()
  await using server = await openEra(http.url)
  const first = await http.nth(0)
  expect(first.notifications).toEqual({ toolsListChanged: true })
  expect(first.headers.get('mcp-protocol-version')).toBe('2026-07-28')
  expect(first.headers.get('mcp-method')).toBe('subscriptions/listen')
  first.acknowledge()
  let answered = 0
  const both = ['x:a', 'x:b'].map((uri) => server.send(message('subscribe', uri)).then(() => answered++))
  const second = await http.nth(1)
  expect(second.notifications).toEqual({ toolsListChanged: true, resourceSubscriptions: ['x:a', 'x:b'] })
  await Bun.sleep(50)
  expect([answered, first.open]).toEqual([0, true])
  second.acknowledge()
  await Promise.all(both)
  await eventually(
    () => first.open,
    (open) => !open,
  )
  second.updated('x:a')
  await eventually(
    () => server.heard,
    (heard) => heard.some((text) => text.startsWith('x:a') && text.includes('"_meta":{"a":1}')),
  )
  await server.send(message('unsubscribe', 'x:a'))
  expect((await http.nth(2)).notifications.resourceSubscriptions).toEqual(['x:b'])
  expect(http.methods.filter((one) => !one.startsWith('POST'))).toEqual([])
})

test('[mcp.modern] a stream that ends is opened again, and what may have been missed is read again', async () => {
  await using http = listening()
  await using server = await openEra(http.url)
  ;(await http.nth(0)).acknowledge()
  const subscribed = server.send(message('subscribe', 'x:a'))
  const second = await http.nth(1)
  second.acknowledge()
  await subscribed
  const before = server.heard.length
  second.event({ id: second.id, result: { resultType: 'complete' } })
  second.end()
  const third = await http.nth(2)
  expect(third.notifications.resourceSubscriptions).toEqual(['x:a'])
  expect(server.heard).toHaveLength(before)
  third.acknowledge()
  await eventually(
    () => server.heard.slice(before),
    (heard) => heard.includes('tools') && heard.some((text) => text.startsWith('x:a')),
  )
})

test('[mcp.modern] a server that does not tell of a resource says so to who subscribes, and goes on with the rest', async () => {
  await using http = listening((listen) =>
    listen.notifications.resourceSubscriptions?.includes('x:no') ? { code: -32602, message: 'never' } : null,
  )
  await using server = await openEra(http.url)
  const first = await http.nth(0)
  first.acknowledge()
  expect((await rejection(server.send(message('subscribe', 'x:no')))).message).toContain('never')
  expect(first.open).toBe(true)
  const left = rejection(server.send(message('subscribe', 'x:quiet')))
  ;(await http.nth(2)).acknowledge({ toolsListChanged: true })
  expect((await left).code).toBe('rpc.params')
})

test('[limits] a server that never agrees does not hold up who subscribes for ever', async () => {
  await using http = listening()
  await using server = await openEra(http.url, { settings: { 'timeouts.list': 200 } })
  expect((await rejection(server.send(message('subscribe', 'x:a')))).code).toBe('upstream.timeout')
})

test('[faults] what is tagged for another stream, or cannot be read, is dropped, and the connection goes on', async () => {
  await using http = listening()
  await using server = await openEra(http.url)
  const first = await http.nth(0)
  first.acknowledge()
  const changed = 'notifications/tools/list_changed'
  first.event({ method: changed, params: { _meta: { [key]: 4711 } } })
  first.event({ method: 'notifications/cancelled', params: { requestId: 4711 } })
  first.event({ id: 'x', method: 'sampling/createMessage', params: {} })
  await Bun.sleep(100)
  expect(server.heard).toEqual([])
  first.event({ method: changed, params: { _meta: { [key]: first.id } } })
  await eventually(
    () => server.heard,
    (heard) => heard.includes('tools'),
  )
  expect(
    http.methods.every((method) => method.startsWith('POST server/') || method.startsWith('POST sub')),
  ).toBe(true)
})
