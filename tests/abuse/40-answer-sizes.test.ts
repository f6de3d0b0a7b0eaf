// Answers that are larger than they say, compressed though nobody asked, or never over: whoever counts sees them early.
import { expect, test } from 'bun:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { discard } from '../../gateway/net/body'
import { createFetchWhole, type WholeRequest } from '../../gateway/net/fetch-whole'
import { systemRuntime } from '../../gateway/runtime'
import { flood, startRawPeer, type Write } from '../support/raw-peer'
import { rejection, testFetch } from '../support/remote-leg'

const MOST = 100_000
const HUGE = 300_000_000
/** Buffers of both kernels and both programs: what may be on its way when the reader has had enough. */
const ON_ITS_WAY = 32_000_000

const fetchWhole = createFetchWhole({ safeFetch: testFetch(), runtime: systemRuntime })
const request: WholeRequest = { trust: { kind: 'typed' }, maxBytes: MOST, totalMs: 60_000 }

const piece = Buffer.alloc(65_536, 0x20)
const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])
const head = (...lines: string[]) => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`

const endless: Record<string, (write: Write) => Promise<void>> = {
  'no length': async (write) => void ((await write(head())) && (await flood(write, piece, HUGE))),
  chunks: async (write) =>
    void ((await write(head('transfer-encoding: chunked'))) && (await flood(write, chunk, HUGE))),
  'a small length beside chunks': async (write) =>
    void (
      (await write(head('content-length: 10', 'transfer-encoding: chunked'))) &&
      (await flood(write, chunk, HUGE))
    ),
  'a small length after chunks': async (write) =>
    void (
      (await write(head('transfer-encoding: chunked', 'content-length: 10'))) &&
      (await flood(write, chunk, HUGE))
    ),
}

for (const [what, speak] of Object.entries(endless))
  test(`[threat.40] a body with ${what} is cut off soon after the limit`, async () => {
    await using peer = await startRawPeer(speak)
    expect((await rejection(fetchWhole(peer.url, request), 60_000)).code).toBe('net.too_large')
    expect(peer.sent()).toBeLessThan(ON_ITS_WAY)
  }, 90_000)

test('[threat.40] an answer nobody reads is let go of, whatever length it claims', async () => {
  for (const speak of Object.values(endless)) {
    await using peer = await startRawPeer(speak)
    await discard(await testFetch()(peer.url, { trust: { kind: 'typed' } }))
    expect(peer.sent()).toBeLessThan(ON_ITS_WAY)
  }
}, 90_000)

test('[threat.40] lengths that are no numbers, disagree or are too large are errors', async () => {
  for (const lines of [
    ['content-length: '],
    ['content-length: -5'],
    ['content-length: 0x10'],
    ['content-length: 5', 'content-length: 50000000'],
    [`content-length: ${HUGE}`],
  ]) {
    await using peer = await startRawPeer(async (write) => {
      if (await write(head(...lines))) await flood(write, piece, HUGE)
    })
    expect([lines, (await rejection(fetchWhole(peer.url, request))).code]).toEqual([
      lines,
      lines[0]?.includes(String(HUGE)) ? 'net.too_large' : 'net.failed',
    ])
    expect(peer.sent()).toBeLessThan(ON_ITS_WAY)
  }
})

const packers = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync }
const asked: (string | null)[] = []
const packed = (encoding: string, body: Uint8Array) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(incoming) {
      asked.push(incoming.headers.get('accept-encoding'))
      return new Response(new Uint8Array(body), { headers: { 'content-encoding': encoding } })
    },
  })

test('[threat.40] compression nobody asked for is undone, and the limit counts what comes out', async () => {
  for (const [encoding, pack] of Object.entries(packers)) {
    const good = packed(encoding, pack(Buffer.from('{"good":true}')))
    const bomb = packed(encoding, pack(Buffer.alloc(5_000_000)))
    try {
      expect(new TextDecoder().decode((await fetchWhole(good.url, request)).body)).toBe('{"good":true}')
      expect((await rejection(fetchWhole(bomb.url, request))).code).toBe('net.too_large')
    } finally {
      await good.stop(true)
      await bomb.stop(true)
    }
  }
  expect(new Set(asked)).toEqual(new Set(['identity']))
})

test('[threat.40] compression in layers, damaged or unknown is an error', async () => {
  const text = Buffer.from('{}'.repeat(100))
  for (const [encoding, body] of [
    ['gzip, gzip', gzipSync(gzipSync(text))],
    ['gzip', gzipSync(text).subarray(0, 15)],
    ['gzip', text],
    ['zstd', text],
  ] as const) {
    const server = packed(encoding, body)
    expect([encoding, (await rejection(fetchWhole(server.url, request))).code]).toEqual([
      encoding,
      'net.failed',
    ])
    await server.stop(true)
  }
})

const slow: Record<string, (write: Write) => Promise<void>> = {
  'nothing at all': async () => undefined,
  'half a head': async (write) => void (await write('HTTP/1.1 200 OK\r\nx-a: ')),
  'heads of answers to come': async (write) => {
    while (await write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n')) await Bun.sleep(1)
  },
  'a byte now and then': async (write) => {
    if (await write(head('content-length: 50000'))) while (await write('x')) await Bun.sleep(1)
  },
  'a chunk now and then': async (write) => {
    if (await write(head('transfer-encoding: chunked'))) while (await write('1\r\nx\r\n')) await Bun.sleep(1)
  },
}

for (const [what, speak] of Object.entries(slow))
  test(`[threat.40] a server that sends ${what} is left when the time for the whole answer is up`, async () => {
    await using peer = await startRawPeer(speak)
    const timeUp = Promise.withResolvers<void>()
    const clocked = createFetchWhole({
      safeFetch: testFetch(),
      runtime: { sleep: (ms, signal) => (ms === 4321 ? timeUp.promise : systemRuntime.sleep(ms, signal)) },
    })
    const answer = clocked(peer.url, { ...request, totalMs: 4321 })
    answer.catch(() => undefined)
    while (peer.requests === 0) await Bun.sleep(1)
    timeUp.resolve()
    const error = await rejection(answer)
    expect([error.code, error.message]).toEqual(['net.failed', expect.stringContaining('took too long')])
  })

test('[threat.40] the time for the whole answer counts while a name is looked up', async () => {
  const timeUp = Promise.withResolvers<void>()
  const asking = Promise.withResolvers<void>()
  const clocked = createFetchWhole({
    safeFetch: testFetch({
      resolve: () => {
        asking.resolve()
        return new Promise(() => undefined)
      },
    }),
    runtime: { sleep: (ms, signal) => (ms === 4321 ? timeUp.promise : systemRuntime.sleep(ms, signal)) },
  })
  const answer = clocked(new URL('https://slow.example/'), { ...request, totalMs: 4321 })
  answer.catch(() => undefined)
  await asking.promise
  timeUp.resolve()
  expect((await rejection(answer)).message).toContain('took too long')
})

test('[threat.40] a head without end is an error', async () => {
  for (const line of [`x-a: ${'b'.repeat(1000)}\r\n`, 'b'.repeat(1000)]) {
    await using peer = await startRawPeer(async (write) => {
      if (await write('HTTP/1.1 200 OK\r\nx-b: ')) await flood(write, line.repeat(60), HUGE)
    })
    expect((await rejection(fetchWhole(peer.url, request))).code).toBe('net.failed')
    expect(peer.sent()).toBeLessThan(ON_ITS_WAY)
  }
})

test('[threat.40] a connection that ends in the middle of a body is an error, and repeats nothing of it', async () => {
  for (const start of [head('content-length: 1000'), head('transfer-encoding: chunked')]) {
    await using peer = await startRawPeer(async (write, socket) => {
      await write(`${start}5\r\nwhich`)
      socket.destroy()
    })
    const error = await rejection(fetchWhole(peer.url, request))
    expect(error.code).toBe('net.failed')
    expect(error.message).not.toContain('which')
  }
})
