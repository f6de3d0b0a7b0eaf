import { expect, test } from 'bun:test'
import { atLeast, atMost, median, quantile, table } from '../bench/figures'
import { openConnection } from '../bench/http-connection'
import { compare, interleave, openLoader } from '../bench/load'
import { echoCommand, floorTarget, footprint, startFloor, startHttpEcho } from '../bench/programs'
import { open, post } from '../bench/target'

test('[bench] both floors carry calls, and interleaved rounds give figures for each', async () => {
  await using echo = await startHttpEcho()
  await using stdio = await startFloor('stdio', ...echoCommand())
  await using http = await startFloor('http', echo.url.href)
  const loaders = [
    await openLoader(floorTarget('stdio', stdio)),
    await openLoader(floorTarget('http', http), 3),
  ]
  const [first = [], second = []] = await interleave(loaders, 2, 4, 50)
  for (const loader of loaders) loader.close()
  for (const { p50, p99, perSecond } of [...first, ...second]) {
    expect(p50).toBeGreaterThan(0)
    expect(p99).toBeGreaterThanOrEqual(p50)
    expect(perSecond).toBeGreaterThan(0)
  }
  expect(compare(first, first, 'p50').ratio).toBe(1)
})

test('[bench] the list floor serves as many tools as asked for', async () => {
  await using floor = await startFloor('list', '1000')
  const { conversation, connection } = await open(floorTarget('list', floor))
  const { text } = await connection.exchange(
    post(conversation, '{"jsonrpc":"2.0","id":"l","method":"tools/list"}'),
  )
  connection.close()
  const answer = JSON.parse(text) as { id: string; result: { tools: { name: string }[] } }
  expect(answer.id).toBe('l')
  expect(new Set(answer.result.tools.map(({ name }) => name)).size).toBe(1000)
})

const answering = (body: (id: number) => Response) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { id } = (await request.json()) as { id?: number }
      return id === undefined ? new Response(null, { status: 202 }) : body(id)
    },
  })
const json = (value: object) =>
  new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } })
const said = (text: string) => ({ result: { content: [{ type: 'text', text }] } })

test('[bench] wrong ids, errors and refusals stop a measurement instead of counting as fast calls', async () => {
  const wrong: ((id: number) => Response)[] = [
    (id) => json({ jsonrpc: '2.0', id: id + 1, ...said('hello') }),
    (id) => json({ jsonrpc: '2.0', id, error: { code: -32603, message: 'no' } }),
    (id) => json({ jsonrpc: '2.0', id, ...said('something else') }),
    () => new Response('busy', { status: 503 }),
  ]
  for (const body of wrong) {
    let refuse = false
    const server = answering((id) => (refuse ? body(id) : json({ jsonrpc: '2.0', id, ...said('hello') })))
    const url = new URL(`http://127.0.0.1:${server.port}/mcp`)
    const loader = await openLoader({ name: 'peer', url, headers: {}, tool: 'echo' })
    await loader.calls(1, 3)
    refuse = true
    expect(await loader.calls(1, 3).then(() => 'counted', String)).toMatch(/peer answers/)
    loader.close()
    await server.stop(true)
  }
})

test('[bench] chunked answers and event streams are read like plain ones, also in many pieces', async () => {
  const server = answering((id) => {
    const message = JSON.stringify({ jsonrpc: '2.0', id, ...said('hello'), ballast: 'x'.repeat(100_000) })
    const pieces = [`: hi\n\nid: 1\ndata:\n\ndata: ${message.slice(0, 50)}`, `${message.slice(50)}\n\n`]
    const stream = new ReadableStream<string>({
      async pull(controller) {
        await Bun.sleep(2)
        const piece = pieces.shift()
        if (piece === undefined) controller.close()
        else controller.enqueue(piece)
      },
    })
    return new Response(stream, {
      headers: { 'content-type': 'text/event-stream', 'mcp-session-id': 'CaseMatters' },
    })
  })
  const url = new URL(`http://127.0.0.1:${server.port}/mcp`)
  const loader = await openLoader({ name: 'streams', url, headers: {}, tool: 'echo' })
  await loader.calls(2, 10)
  loader.close()
  const { conversation, connection } = await open({ name: 'streams', url, headers: {}, tool: 'echo' })
  expect(conversation.headers['mcp-session-id']).toBe('CaseMatters')
  connection.close()
  await server.stop(true)
  const refused = await openConnection(url).then(
    () => 'opened',
    () => 'refused',
  )
  expect(refused).toBe('refused')
})

test('[bench] figures: medians, quantiles, verdicts and one aligned table', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(
    quantile(
      Float64Array.from({ length: 100 }, (_, index) => index),
      0.99,
    ),
  ).toBe(99)
  const row = { part: 'p', figure: 'f', base: '1 ms', value: '2 ms' }
  const lines = table([
    { ...row, ...atMost(1.4, 1.5) },
    { ...row, ...atMost(1.6, 1.5) },
    { ...row, ...atLeast(0.4, 0.5) },
    { ...row, base: '', value: '74.8 MB', ...atMost(74.81, 80) },
  ]).split('\n')
  expect(lines.map((line) => line.trimEnd().split(/ {2,}/).at(-1))).toEqual([
    'target',
    'ok',
    'MISS',
    'MISS',
    'ok',
  ])
  expect(lines.at(-1)).not.toContain('74.81')
  expect(footprint(process.pid).bytes).toBeGreaterThan(1_000_000)
})
