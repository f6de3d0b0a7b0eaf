import { expect, test } from 'bun:test'
import type { GatewayError } from '../../gateway/errors'
import { answeredId } from '../../gateway/transport/stray-id'
import { waitUntil } from '../support/processes'
import { evil, openStdioLeg, type StdioLeg } from '../support/stdio-leg'

/** A moment, by the clock and by the processor time this process had, both in ms. */
function now() {
  const { user, system } = process.cpuUsage()
  return { clock: performance.now(), busy: (user + system) / 1000 }
}

/**
 * Runs `work` and returns the longest time, in ms, the event loop did not turn meanwhile. Time in which this process did
 * not run, because the machine was busy with others, does not count.
 */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let last = now()
  let longest = 0
  const turn = () => {
    const at = now()
    longest = Math.max(longest, Math.min(at.clock - last.clock, at.busy - last.busy))
    last = at
  }
  const timer = setInterval(turn, 5)
  await work().finally(() => clearInterval(timer))
  turn()
  return longest
}

// Ten times what one server may cost: 100 ms of the event loop, and 64 MB.
const MOST_PAUSE = 1000
const MOST_MEMORY = 640 * 2 ** 20

/** Holds `work` to what one server may cost the process it talks to. */
async function affordable(work: () => Promise<unknown>): Promise<void> {
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  const pause = await longestPause(work)
  Bun.gc(true)
  expect(pause).toBeLessThan(MOST_PAUSE)
  expect(process.memoryUsage.rss() - before).toBeLessThan(MOST_MEMORY)
}

const complaints = (leg: StdioLeg) => leg.logs.filter((line) => line.includes('no message'))

// What may surround an answer without touching it.
const harmless: Record<string, number> = {
  banner: 2,
  bom: 0,
  garbage: 6,
  blank: 0,
  crlf: 0,
  nul: 2,
  'split-utf8': 0,
  'invalid-utf8': 1,
  'json-log-lines': 1,
  'slow-drip': 0,
  'stderr-flood': 0,
  'stderr-no-newline': 0,
  'notification-flood': 0,
  'big-then-small': 0,
  'unknown-id': 0,
  'asks-back': 0,
}
for (const [mode, lines] of Object.entries(harmless))
  test(`[threat.51] ${mode}: the call is answered, and what was no message is in the log`, async () => {
    await using leg = await openStdioLeg(evil(mode))
    await affordable(async () => expect(await leg.call(1)).toContain('"id":1'))
    expect(complaints(leg).length).toBe(lines)
    expect(leg.failed).toEqual([])
    expect(await leg.call(2, 'plain', 'again')).toContain('again')
    expect(leg.closed()).toBeNull()
  })

// What costs its own call, at once, and nothing else.
const costly: Record<string, GatewayError['code']> = {
  'huge-line': 'upstream.too_large',
  'huge-line-id-last': 'upstream.too_large',
  deep: 'upstream.garbage',
  truncated: 'upstream.garbage',
  'duplicate-members': 'upstream.garbage',
  'invalid-utf8-answer': 'upstream.garbage',
}
for (const [mode, code] of Object.entries(costly))
  test(`[threat.51] ${mode}: only its call fails, with ${code}`, async () => {
    await using leg = await openStdioLeg(evil(mode))
    await affordable(async () => {
      const failure = await leg.call(1)
      expect((failure as GatewayError).code).toBe(code)
    })
    expect(await leg.call(2, 'plain', 'again')).toContain('again')
    expect(leg.failed.map(({ callId }) => callId)).toEqual([1])
    expect(leg.closed()).toBeNull()
  })

test('[threat.51] text that is split between bytes of one character arrives whole', async () => {
  await using leg = await openStdioLeg(evil('split-utf8'))
  expect(await leg.call(1)).toContain('zażółć 🐝')
})

test('[threat.51] messages behind a big one keep their order', async () => {
  await using leg = await openStdioLeg(evil('big-then-small'))
  await leg.call(1)
  const numbers = leg.messages.map(
    ({ bytes }) => /"n":(\d)/.exec(Buffer.from(bytes.subarray(0, 200)).toString())?.[1],
  )
  expect(numbers).toEqual(['0', '1', '2', '3', undefined])
})

test('[threat.51] a batch, which MCP has not, is refused as a whole', async () => {
  await using leg = await openStdioLeg(evil('batch'))
  void leg.channel.send(
    Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"go"}}'),
    1,
  )
  await waitUntil('the complaint', () => complaints(leg).length === 1)
  expect(leg.messages).toEqual([])
})

test('[threat.51] the fourth message over the limit ends the leg, three do not', async () => {
  await using leg = await openStdioLeg(evil('huge-line'), { limits: { maxMessageBytes: 1024 } })
  for (const id of [1, 2, 3]) {
    expect(((await leg.call(id)) as GatewayError).code).toBe('upstream.too_large')
    expect(leg.closed()).toBeNull()
  }
  void leg.channel.send(
    Buffer.from('{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"go"}}'),
    4,
  )
  expect((await leg.closing())?.code).toBe('upstream.too_large')
})

test('[threat.51] output without any newline is thrown away without being kept', async () => {
  await using leg = await openStdioLeg(evil('no-newline'))
  await affordable(async () => {
    void leg.channel.send(
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"go"}}'),
      1,
    )
    await waitUntil('the line is over the limit', () => leg.logs.some((line) => line.includes('thrown away')))
    // It goes on printing: what is thrown away must not add up.
    await Bun.sleep(1000)
  })
  expect(leg.closed()).toBeNull()
})

test('[threat.51] floods of garbage and of stderr leave a bounded log and a turning event loop', async () => {
  for (const mode of ['garbage-flood', 'stderr-flood']) {
    await using leg = await openStdioLeg(evil(mode))
    await affordable(() => leg.call(1))
    expect(leg.logs.length).toBeLessThan(1000)
    for (const line of leg.logs) expect(line.length).toBeLessThan(9 * 1024)
  }
})

test('[threat.51] a flood of notifications slows its own server down and no other', async () => {
  await using calm = await openStdioLeg(evil('good'))
  await using noisy = await openStdioLeg(evil('notification-flood'))
  const flood = noisy.call(1)
  await affordable(async () => {
    for (let id = 1; id < 50; id++) expect(await calm.call(id)).toContain('hello')
  })
  expect(await flood).toContain('"id":1')
  expect(noisy.messages.length).toBe(30_001)
  expect(noisy.logs.some((line) => line.includes('read more slowly'))).toBe(true)
})

test('[threat.51] answers given twice are passed on as they came, in order', async () => {
  await using leg = await openStdioLeg(evil('duplicate-id'))
  expect(await leg.call(1)).toContain('first')
  await waitUntil('the second', () => leg.messages.length === 2)
})

test('[threat.51] control characters of a server do not reach the log', async () => {
  const noise = 'printf "\\033[2J\\033]0;title\\007red\\033[31m\\001\\n" >&2; cat'
  await using leg = await openStdioLeg({ command: '/bin/sh', args: ['-c', noise] })
  await waitUntil('the line', () => leg.logs.length === 1)
  expect(leg.logs).toEqual(['Connection: red '])
})

test('[threat.51] the call of an unreadable answer is told only when it is sure', () => {
  const id = (head: string, tail: string | null = null) =>
    answeredId(Buffer.from(head), tail === null ? null : Buffer.from(tail))
  expect(id('{"jsonrpc":"2.0","id":5,"result":{"x":"')).toBe(5)
  expect(id(' { "id" : 5 , "jsonrpc" : "2.0" , "result" : [')).toBe(5)
  expect(id('{"jsonrpc":"2.0","result":{"id":9,"a":["', '"]},"id":5}')).toBe(5)
  expect(id('{"result":{"id":9', '}},"jsonrpc":"2.0","id":5}\n')).toBe(5)
  expect(id('{"result":{"id":9', '}},"id":5,"jsonrpc":"2.0"}')).toBe(5)
  expect(id('{"result":{"id":9', '"id":5}')).toBeNull()
  expect(id('{"result":"\\"jsonrpc\\":\\"2.0\\",\\"id\\":5}', 'text "id":5')).toBeNull()
  expect(id('{"jsonrpc":"2.0","method":"x","id":5,"params":{')).toBeNull()
  expect(id('{"level":30,"id":5,"msg":"')).toBeNull()
  expect(id('{"jsonrpc":"2.0","id":"5","result":{')).toBeNull()
  expect(id('{"jsonrpc":"2.0","id":5')).toBeNull()
  expect(id('no json at all', 'nor here')).toBeNull()
  expect(id('')).toBeNull()
})
