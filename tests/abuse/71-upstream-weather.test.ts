import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { ErrorCode } from '../../gateway/errors'
import { systemRuntime, type Runtime } from '../../gateway/runtime'
import { UndeliveredError } from '../../gateway/transport/channel'
import { modes, startEvilHttp, type EvilServer } from '../servers/evil-http'
import { openLeg, rejection, testFetch, until } from '../support/remote-leg'
import { startWeather } from '../support/weather-proxy'

let server: EvilServer
beforeAll(async () => {
  server = await startEvilHttp()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

/** What a call comes to in each mode that does not answer it. */
const failing: Record<string, ErrorCode> = {
  'html-200': 'upstream.garbage',
  'empty-200': 'upstream.garbage',
  'json-empty': 'upstream.garbage',
  'no-content': 'upstream.garbage',
  'accepted-call': 'upstream.garbage',
  'text-plain': 'upstream.garbage',
  'wrong-id': 'upstream.garbage',
  'text-id': 'upstream.garbage',
  batch: 'upstream.garbage',
  'not-json': 'upstream.garbage',
  'truncated-json': 'upstream.garbage',
  'deep-json': 'upstream.garbage',
  'duplicate-id': 'upstream.garbage',
  'bad-utf8': 'upstream.garbage',
  'short-body': 'upstream.lost',
  'declared-huge': 'upstream.too_large',
  'endless-json': 'upstream.too_large',
  'gzip-bomb-json': 'upstream.too_large',
  'brotli-bomb-json': 'upstream.too_large',
  'gzip-bomb-sse': 'upstream.too_large',
  'gzip-damaged': 'upstream.garbage',
  'odd-encoding': 'upstream.garbage',
  'endless-line-sse': 'upstream.too_large',
  'reset-before-answer': 'upstream.lost',
  'close-before-answer': 'upstream.lost',
  'reset-mid-event': 'upstream.lost',
  'sse-without-answer': 'upstream.lost',
  'sse-empty': 'upstream.lost',
  'resume-refused': 'upstream.lost',
  'error-500': 'upstream.http_error',
  'error-502': 'upstream.http_error',
  'error-503': 'upstream.http_error',
  'error-429': 'upstream.http_error',
  'error-511': 'upstream.http_error',
  'error-403': 'upstream.http_error',
  'error-400-html': 'upstream.http_error',
  'error-401': 'upstream.credentials_refused',
  'redirect-loop': 'net.redirect',
  'redirect-302': 'net.redirect',
  'redirect-nowhere': 'net.redirect',
}

/** Modes in which the call is answered all the same, and a text of the answer. */
const answering: Record<string, string> = {
  good: '"hi"',
  'good-sse': '"hi"',
  'gzip-good': '"hi"',
  'gzip-good-sse': '"hi"',
  'comment-flood-sse': '"hi"',
  'resume-works': '"resumed"',
  'resume-half-event': '"resumed"',
  'resume-conflict': '"resumed"',
  'json-bom': '"hi"',
  'error-bom': '"odd"',
  'redirect-once': '"hi"',
  'junk-event': '"hi"',
  'other-event-types': '"hi"',
  'answer-twice': '"first"',
  'open-after-answer': '"hi"',
  'crlf-bom': '"hi"',
  'byte-by-byte': 'Grüße, 世界 🎈',
  'nasty-headers': '"hi"',
  'progress-then-answer': '"hi"',
  'server-request': '"hi"',
}

/** Modes with a test of their own below. */
const special = [
  'error-400-null-id',
  'session-over',
  'rpc-error',
  'resume-for-ever',
  'resume-quiet',
  'silent-call',
  'headers-then-silence',
  'bad-session-id',
]

test('[threat.71] every mode of the hostile server is judged', () => {
  const judged = [...Object.keys(failing), ...Object.keys(answering), ...special].sort()
  expect(judged).toEqual(Object.keys(modes).sort())
  expect(judged.length).toBeGreaterThanOrEqual(30)
})

describe('a hostile answer fails its call alone', () => {
  for (const [mode, code] of Object.entries(failing)) {
    test(`[threat.71] ${mode} becomes ${code}`, async () => {
      await using leg = await openLeg(server.url(mode))
      await leg.handshake()
      const error = await rejection(leg.call('tools/call'))
      expect(error.code).toBe(code)
      expect(error.message).not.toContain('hotel')
      expect(leg.closed).toBeUndefined()
      const again = await rejection(leg.call('tools/call'))
      expect(again.code).toBe(code)
      expect(
        server.seenIn(mode, 'POST').filter(({ body }) => body.includes('tools/call')).length,
      ).toBeLessThanOrEqual(mode === 'redirect-loop' ? 8 : 2)
    })
  }
})

describe('an odd answer is still an answer', () => {
  for (const [mode, expected] of Object.entries(answering)) {
    test(`[threat.71] ${mode} is answered`, async () => {
      await using leg = await openLeg(server.url(mode))
      await leg.handshake()
      const answer = await leg.call('tools/call')
      expect(answer.text).toContain(expected)
      expect(answer.callId).toBe(leg.lastCallId())
    })
  }
})

test('[threat.71] bombs of 200 MB leave memory as it was', async () => {
  await using leg = await openLeg(server.url('gzip-bomb-json'))
  await using streamed = await openLeg(server.url('gzip-bomb-sse'))
  await leg.handshake()
  await streamed.handshake()
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  const calls = Array.from({ length: 4 }, (_, i) => rejection((i % 2 ? leg : streamed).call('tools/call')))
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 5)
  for (const error of await Promise.all(calls)) expect(error.code).toBe('upstream.too_large')
  clearInterval(watch)
  expect(peak - before).toBeLessThan(150_000_000)
})

test('[threat.71] a JSON-RPC error behind HTTP 400 arrives with the id of the call and its bytes', async () => {
  await using leg = await openLeg(server.url('error-400-null-id'))
  await leg.handshake()
  const answer = await leg.call('tools/call')
  expect(answer.text).toContain(`"id":${leg.lastCallId()}`)
  expect(answer.text).toContain('{"code":-32099,"message":"odd","data":{"n":9007199254740993}}')
})

test('[threat.71] a JSON-RPC error arrives untouched', async () => {
  await using leg = await openLeg(server.url('rpc-error'))
  await leg.handshake()
  expect((await leg.call('tools/call')).text).toContain(
    '{"code":-32042,"message":"asked","data":{"a":1e400}}',
  )
})

test('[threat.71] a session the server has ended is undelivered, and the leg ends after that', async () => {
  await using leg = await openLeg(server.url('session-over'))
  await leg.handshake()
  const error = await rejection(leg.call('tools/call'))
  expect(error).toBeInstanceOf(UndeliveredError)
  await until('the leg ends', () => leg.closed !== undefined)
  expect(leg.closed?.code).toBe('upstream.lost')
  expect(await rejection(leg.call('tools/call'))).toBeInstanceOf(UndeliveredError)
})

test('[threat.71] HTTP 401 is undelivered and leaves the leg open', async () => {
  await using leg = await openLeg(server.url('error-401'))
  await leg.handshake()
  expect(await rejection(leg.call('tools/call'))).toBeInstanceOf(UndeliveredError)
  expect(leg.closed).toBeUndefined()
})

test('[threat.71] HTTP 429 is told with its wait, never more than five minutes', async () => {
  await using leg = await openLeg(server.url('error-429'))
  await leg.handshake()
  expect((await rejection(leg.call('tools/call'))).detail).toContain('300 s')
})

test('[threat.71] a stream that ends again and again is given up without a storm', async () => {
  await using leg = await openLeg(server.url('resume-for-ever'))
  await leg.handshake()
  const started = server.seenIn('resume-for-ever', 'GET').length
  const error = await rejection(leg.call('tools/call'))
  expect(error.code).toBe('upstream.lost')
  expect(server.seenIn('resume-for-ever', 'GET').length - started).toBeLessThanOrEqual(8)
}, 90_000)

test('[threat.71] a stream that stays quiet for long, and ends for that, is taken up as often as it takes', async () => {
  const hurried: Runtime = { ...systemRuntime, monotonic: () => systemRuntime.monotonic() * 200 }
  await using leg = await openLeg(server.url('resume-quiet'), { runtime: hurried })
  await leg.handshake()
  expect((await leg.call('tools/call')).text).toContain('"resumed"')
})

test('[threat.71] streams left open after their answers do not pile up', async () => {
  await using leg = await openLeg(server.url('open-after-answer'))
  await leg.handshake()
  for (let i = 0; i < 30; i++) expect((await leg.call('tools/call')).text).toContain('"hi"')
  await until('old streams are closed', () => server.openStreams() <= 10)
})

test('[threat.71] a session id that is not visible ASCII refuses the connection', async () => {
  await using leg = await openLeg(server.url('bad-session-id'))
  expect((await rejection(leg.handshake())).code).toBe('upstream.garbage')
})

for (const mode of ['silent-call', 'headers-then-silence']) {
  test(`[threat.71] a call nobody waits for any more is let go (${mode})`, async () => {
    await using leg = await openLeg(server.url(mode))
    await leg.handshake()
    const open = leg.call('tools/call')
    open.catch(() => undefined)
    await until('the server has the call', () =>
      server.seenIn(mode).some(({ body }) => body.includes('tools/call')),
    )
    leg.channel.abandon(leg.lastCallId())
    await using other = await openLeg(server.url('good'))
    await other.handshake()
    expect((await other.call('tools/call')).text).toContain('"hi"')
    await leg.channel.close()
    expect(leg.closed).toBeNull()
  })
}

/** The leg's patience with acknowledgements, which is no back-off. */
const PATIENCE = 2000

/** A runtime whose long sleeps are noted and over at once, up to `most` of them. */
function hastyRuntime(most: number) {
  const pauses: number[] = []
  const runtime: Runtime = {
    ...systemRuntime,
    sleep(ms, signal) {
      if (ms < 100 || ms === PATIENCE || pauses.length >= most) return systemRuntime.sleep(ms, signal)
      pauses.push(ms)
      return Promise.resolve()
    },
  }
  return { runtime, pauses }
}

test('[threat.71] a stream of notifications that always ends at once is asked for ever more rarely', async () => {
  const { runtime, pauses } = hastyRuntime(12)
  await using leg = await openLeg(server.url('listen-storm'), { runtime, safeFetch: testFetch() })
  await leg.handshake()
  await until('twelve attempts', () => pauses.length === 12)
  for (const [n, pause] of pauses.entries()) {
    const longest = Math.min(60_000, 1000 * 2 ** (n + 1))
    expect(pause).toBeGreaterThanOrEqual(longest / 2)
    expect(pause).toBeLessThanOrEqual(longest)
  }
  expect(leg.closed).toBeUndefined()
})

test('[threat.71] Retry-After is honoured for the stream of notifications, five minutes of it at most', async () => {
  const { runtime, pauses } = hastyRuntime(20)
  await using leg = await openLeg(server.url('listen-503'), { runtime, safeFetch: testFetch() })
  await leg.handshake()
  await until('the attempts are over', () => server.seenIn('listen-503', 'GET').length === 5)
  expect((await leg.call('tools/call')).text).toContain('"hi"')
  expect(server.seenIn('listen-503', 'GET')).toHaveLength(5)
  expect(pauses).toEqual([300_000, 300_000, 300_000, 300_000])
})

test('[threat.71] a server that believes its stream of notifications is still read is not taken for gone', async () => {
  const { runtime, pauses } = hastyRuntime(6)
  await using leg = await openLeg(server.url('listen-conflict'), { runtime, safeFetch: testFetch() })
  await leg.handshake()
  await until('six attempts, or the end', () => pauses.length === 6 || leg.closed !== undefined)
  expect(leg.closed).toBeUndefined()
  expect((await leg.call('tools/call')).text).toContain('"hi"')
})

describe('network weather', () => {
  test('[threat.71] a refused connection is undelivered', async () => {
    await using weather = await startWeather(server.url('good'))
    await using leg = await openLeg(weather.url)
    await leg.handshake()
    await weather.stopListening()
    const error = await rejection(leg.call('tools/call'))
    expect(error).toBeInstanceOf(UndeliveredError)
    await until('the leg ends', () => leg.closed !== undefined)
  })

  test('[threat.71] a reset in the middle of a call loses that call and no other', async () => {
    await using weather = await startWeather(server.url('silent-call'))
    await using leg = await openLeg(weather.url)
    await using neighbour = await openLeg(server.url('good'))
    await leg.handshake()
    await neighbour.handshake()
    const seen = () => server.seenIn('silent-call').filter(({ body }) => body.includes('tools/call')).length
    const before = seen()
    const lost = rejection(leg.call('tools/call'))
    await until('the call is up there', () => seen() > before)
    weather.reset()
    expect((await lost).code).toBe('upstream.lost')
    expect((await neighbour.call('tools/call')).text).toContain('"hi"')
  })

  test('[threat.71] latency of half a second changes nothing but the time', async () => {
    await using weather = await startWeather(server.url('progress-then-answer'))
    await using leg = await openLeg(weather.url)
    await leg.handshake()
    weather.delay(500)
    const answer = await leg.call('tools/call')
    expect(answer.text).toContain('"hi"')
    expect(
      leg.received.filter(({ callId, kind }) => callId === leg.lastCallId() && kind === 'notification'),
    ).toHaveLength(2)
  })

  test('[threat.71] a half-open connection holds its own call only, and the leg still closes', async () => {
    await using weather = await startWeather(server.url('good'))
    await using leg = await openLeg(weather.url)
    await leg.handshake()
    weather.swallow()
    const stuck = leg.call('tools/call')
    stuck.catch(() => undefined)
    await using neighbour = await openLeg(server.url('good'))
    await neighbour.handshake()
    expect((await neighbour.call('tools/call')).text).toContain('"hi"')
    await leg.channel.close()
    expect(leg.closed).toBeNull()
  })

  test('[threat.71] a name that does not exist is undelivered and says so', async () => {
    await using leg = await openLeg('https://no-such-host.invalid/mcp', {
      resolve: () => Promise.reject(new Error('ENOTFOUND')),
    })
    const error = await rejection(leg.handshake())
    expect(error).toBeInstanceOf(UndeliveredError)
    expect(error.message).toContain('its name is not known (DNS)')
  })

  test('[threat.71] an address family that refuses is passed over', async () => {
    await using leg = await openLeg(server.url('good').replace('127.0.0.1', 'localhost'), {
      resolve: () => Promise.resolve(['::1', '127.0.0.1']),
    })
    await leg.handshake()
    expect((await leg.call('tools/call')).text).toContain('"hi"')
  })

  test('[threat.71] a resolver that never answers gives up at the connect time-out', async () => {
    await using leg = await openLeg('https://slow.example/mcp', {
      resolve: () => new Promise(() => undefined),
      limits: { connectTimeout: 200 },
    })
    expect(await rejection(leg.handshake())).toBeInstanceOf(UndeliveredError)
  })
})
