// Fifty clients of one server that all count from the same number: whatever comes back, late and out of order, is theirs.
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { startShufflingHttp } from '../servers/shuffling-http'
import { eventually, repository, startDaemon } from '../support/daemon'
import {
  callBody,
  cancelBody,
  canaryOf,
  codeOf,
  openParties,
  type Party,
  textOf,
  wrongIn,
} from '../support/mix-up'
import { readEvents } from '../support/sse-reader'

const stdio = ['--', process.execPath, join(repository, 'tests/servers/shuffling-stdio.ts')]
const CLIENTS = 50
const AT_ONCE = 5
/** Of every client; so many more than are in flight keep the open requests of this process below its own limit. */
const LISTENERS = 5

interface Tally {
  answered: number
  cancelled: number
  logs: number
  /** Calls that were answered after a later one of the same client. */
  overtaken: number
  wrong: string[]
}

/** Every client makes its calls, and half of them take back some. */
async function storm(parties: Party[], calls: number): Promise<Tally> {
  const tally: Tally = { answered: 0, cancelled: 0, logs: 0, overtaken: 0, wrong: [] }
  const run = async ({ index, post }: Party) => {
    let latest = -1
    const one = async (id: number) => {
      const withdrawn = index % 2 === 0 && id % 50 === 49
      const call = post(callBody(id, 'echo', canaryOf(index, id), id % 3 === 0 ? String(id) : ''))
      if (withdrawn) await post(cancelBody(id))
      const said = await call
      if (codeOf(said) === 'rpc.cancelled') tally.cancelled += 1
      else tally.answered += 1
      tally.logs += said.filter(({ method }) => method === 'notifications/message').length
      if (id % 3 === 0 && !withdrawn && !said.some(({ method }) => method === 'notifications/progress'))
        tally.wrong.push(`no progress of call ${id} of client ${index}`)
      const wrong = wrongIn(said, index, id, withdrawn)
      if (wrong) tally.wrong.push(wrong)
      if (id < latest) tally.overtaken += 1
      else latest = id
    }
    for (let first = 0; first < calls; first += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, offset) => one(first + offset)))
  }
  await Promise.all(parties.map(run))
  return tally
}

test('[threat.13] [mcp.ids] fifty clients that count alike over one server get no answer, progress or log of another', async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'mix', '--yes', ...stdio)
  const parties = await openParties(daemon, CLIENTS)
  const listening = await Promise.all(
    parties
      .slice(0, LISTENERS)
      .map(async ({ headers }) => readEvents(await fetch(daemon.mcpUrl, { headers }))),
  )
  const tally = await storm(parties, 1000)
  expect(tally.wrong).toEqual([])
  expect(tally.answered + tally.cancelled).toBe(CLIENTS * 1000)
  expect(tally.cancelled).toBeLessThanOrEqual((CLIENTS / 2) * 20)
  // The server does answer out of order.
  expect(tally.overtaken).toBeGreaterThan(1000)
  for (const [index, stream] of listening.entries())
    expect((stream.text().match(/canary-\d+-/g) ?? []).filter((own) => own !== `canary-${index}-`)).toEqual(
      [],
    )
}, 500_000)

test('[threat.13] [mcp.logging] over HTTP, where a log belongs to a call, it goes to that call and no other', async () => {
  await using server = startShufflingHttp()
  await using daemon = await startDaemon()
  await daemon.ok('add', 'mix', '--yes', '--url', server.url)
  const calls = 100
  const tally = await storm(await openParties(daemon, CLIENTS), calls)
  expect(tally.wrong).toEqual([])
  expect(tally.answered + tally.cancelled).toBe(CLIENTS * calls)
  expect(tally.logs).toBeGreaterThanOrEqual(tally.answered)
}, 500_000)

test('[threat.13] [mcp.cancellation] of fifty calls with one id each client cancels its own and no other', async () => {
  await using daemon = await startDaemon()
  await daemon.ok('add', 'mix', '--yes', ...stdio)
  const parties = await openParties(daemon, CLIENTS)
  const [first] = parties
  if (!first) throw new Error('no clients')
  const ask = async (tool: string) => textOf(await first.post(callBody(1000, tool, ''))) ?? ''
  const cancelled = async () => JSON.parse(await ask('cancelled')) as string[]
  const open = parties.map(({ index, post }) => post(callBody(5, 'hang', canaryOf(index, 5))))
  await eventually(
    () => ask('hanging'),
    (count) => count === String(CLIENTS),
  )
  // Ids of nothing in flight, and of another type, cancel nothing.
  for (const id of [6, '5', 0, -1]) await first.post(cancelBody(id))
  expect(await cancelled()).toEqual([])

  const taken: string[] = []
  for (const { index, post } of parties.filter((_, n) => n % 2 === 1)) {
    await post(cancelBody(5))
    taken.push(canaryOf(index, 5))
    await eventually(cancelled, (seen) => seen.length >= taken.length)
    expect(await cancelled()).toEqual(taken)
    expect(codeOf((await open[index]) ?? [])).toBe('rpc.cancelled')
  }
  expect(await ask('hanging')).toBe(String(CLIENTS / 2))
  expect(await ask('release')).toBe('released')
  for (const { index } of parties.filter((_, n) => n % 2 === 0))
    expect(wrongIn((await open[index]) ?? [], index, 5, false)).toBeNull()
})
