// Threat 31: an answer belongs to one sign-in, is taken once, within ten minutes, and as a whole.
import { expect, test } from 'bun:test'
import { modeNamed, modesOf } from '../servers/evil-as-modes'
import { type EvilAs, startEvilAs } from '../support/evil-as'
import { signInUnder } from '../support/flow-outcome'
import { movedClock, openFlowParts } from '../support/flow-parts'
import { tempStores } from '../support/temp-store'
import { tempVault } from '../support/temp-vault'

for (const name of modesOf(31))
  test(`[threat.31] [oauth.flow] what comes back: ${name}`, () =>
    signInUnder(name, ({ outcome, detail, evil, parts }) => {
      const expected = modeNamed(name).outcome
      expect([outcome, parts.accepted.length]).toEqual([expected, expected === 'works' ? 1 : 0])
      if (expected === 'works') return
      expect(evil.at('issuer', '/token')).toEqual([])
      // One short line, in which nothing hides.
      expect(detail ?? '').toMatch(/^[^\p{C}]{0,250}$/u)
    }))

const answerAt = async (evil: EvilAs, url: string | null) => String(await evil.browse(url ?? ''))
const tokenRequests = (evil: EvilAs) => evil.at('issuer', '/token').length

test('[threat.31] an answer is taken once: neither it nor another one with its state is taken again', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const flow = await parts.flows.begin(parts.addServer(evil.mcpUrl).id)
  const answer = await answerAt(evil, flow.url)
  const racing = await Promise.allSettled(Array.from({ length: 20 }, () => parts.flows.finish(answer)))
  expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(parts.flows.get(flow.id).phase).toBe('done')
  const second = new URL(answer)
  second.searchParams.set('code', 'code-of-somebody-else')
  for (const again of [answer, String(second)])
    await expect(parts.flows.finish(again)).rejects.toMatchObject({ code: 'oauth.flow_unknown' })
  expect(tokenRequests(evil)).toBe(1)
})

test('[threat.31] answers of two sign-ins that are swapped bring no tokens', async () => {
  await using one = await startEvilAs()
  await using two = await startEvilAs()
  await using parts = await openFlowParts()
  const first = await parts.flows.begin(parts.addServer(one.mcpUrl).id)
  const second = await parts.flows.begin(parts.addServer(two.mcpUrl).id)
  const [a, b] = [new URL(await answerAt(one, first.url)), new URL(await answerAt(two, second.url))]
  const [stateA, stateB] = [a.searchParams.get('state') ?? '', b.searchParams.get('state') ?? '']
  a.searchParams.set('state', stateB)
  b.searchParams.set('state', stateA)
  for (const swapped of [a, b])
    expect(await parts.flows.finish(String(swapped))).toMatchObject({
      phase: 'failed',
      error: 'oauth.answer_invalid',
    })
  expect([tokenRequests(one), tokenRequests(two), parts.accepted.length]).toEqual([0, 0, 0])
})

test('[threat.31] after ten minutes, or when it was cancelled, an answer is one of nobody', async () => {
  await using evil = await startEvilAs()
  const runtime = movedClock()
  await using parts = await openFlowParts({ runtime })
  const server = parts.addServer(evil.mcpUrl)
  const late = await parts.flows.begin(server.id)
  const answer = await answerAt(evil, late.url)
  runtime.move(600_000)
  await expect(parts.flows.finish(answer)).rejects.toMatchObject({ code: 'oauth.flow_unknown' })
  expect(parts.flows.get(late.id)).toMatchObject({ phase: 'expired', url: null })
  const stopped = await parts.flows.begin(server.id)
  const unwanted = await answerAt(evil, stopped.url)
  expect(parts.flows.cancel(stopped.id).phase).toBe('cancelled')
  await expect(parts.flows.finish(unwanted)).rejects.toMatchObject({ code: 'oauth.flow_unknown' })
  expect(() => parts.flows.cancel(stopped.id)).toThrow('no such sign-in')
  expect(tokenRequests(evil)).toBe(0)
})

test('[threat.31] a thousand answers nobody asked for ask nobody for tokens, and disturb no sign-in', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const flow = await parts.flows.begin(parts.addServer(evil.mcpUrl).id)
  const answer = new URL(await answerAt(evil, flow.url))
  const state = answer.searchParams.get('state') ?? ''
  expect(Buffer.from(state, 'base64url').length).toBeGreaterThanOrEqual(16)
  const pages = new Set<string>()
  for (let turn = 0; turn < 1000; turn += 1) {
    const forged = new URL(answer)
    if (turn % 3 === 0) forged.searchParams.delete('state')
    else if (turn % 3 === 1) forged.searchParams.append('state', state)
    // No text of 256 bits ends so, whatever the state is.
    else forged.searchParams.set('state', state.slice(0, turn % 43) + '_'.repeat(43 - (turn % 43)))
    const reply = await fetch(forged, { redirect: 'manual' })
    pages.add(`${reply.status} ${reply.headers.get('location')} ${await reply.text()}`)
  }
  expect([...pages]).toEqual(['303 /oauth/answered '])
  expect([tokenRequests(evil), parts.flows.get(flow.id).phase]).toEqual([0, 'waiting'])
  expect(await parts.flows.finish(String(answer))).toMatchObject({ phase: 'done' })
})

test('[threat.31] an answer at another address than the one that was asked for is not taken', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const flow = await parts.flows.begin(parts.addServer(evil.mcpUrl).id)
  const answer = await answerAt(evil, flow.url)
  const elsewhere = [
    answer.replace('127.0.0.1', 'localhost'),
    answer.replace('/oauth/callback', '/oauth/answered'),
    answer.replace(/:\d+/, ':1'),
    answer.replace('http:', 'https:'),
    answer.replace('?', '#'),
    answer.slice(answer.indexOf('?')),
    'code',
    '',
  ]
  for (const address of elsewhere)
    await expect(parts.flows.finish(address)).rejects.toMatchObject({ code: 'oauth.flow_unknown' })
  expect(await parts.flows.finish(` ${answer}\n`)).toMatchObject({ phase: 'done' })
})

test('[threat.31] many sign-ins at once are independent of each other', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const servers = Array.from({ length: 12 }, () => parts.addServer(evil.mcpUrl))
  const flows = await Promise.all(servers.map(({ id }) => parts.flows.begin(id)))
  const states = flows.map(({ url }) => new URL(url ?? '').searchParams.get('state'))
  expect(new Set(states).size).toBe(12)
  parts.flows.cancel(flows[3]?.id ?? '')
  const kept = flows.filter((_, index) => index !== 3).toReversed()
  await Promise.all(kept.map(async ({ url }) => parts.flows.finish(await answerAt(evil, url))))
  expect(parts.accepted.map(([binding]) => binding.serverId).toSorted()).toEqual(
    kept.map(({ serverId }) => serverId).toSorted(),
  )
  const verifiers = evil.at('issuer', '/token').map(({ form }) => form.get('code_verifier'))
  expect(new Set(verifiers).size).toBe(11)
})

test('[threat.31] [oauth.flow] a sign-in outlives a restart, and its answer is taken by the next run', async () => {
  await using evil = await startEvilAs()
  using stores = tempStores()
  const vault = tempVault(stores)
  await vault.vault.unlock(null)
  let flow
  {
    await using before = await openFlowParts({ stores, vault })
    flow = await before.flows.begin(before.addServer(evil.mcpUrl).id)
    // The next run listens elsewhere in this test, so the address is handed over as a person would.
  }
  await using after = await openFlowParts({ stores, vault })
  expect(after.flows.get(flow.id)).toEqual(flow)
  expect(await after.flows.finish(await answerAt(evil, flow.url))).toMatchObject({ phase: 'done' })
  expect(after.accepted).toHaveLength(1)
  vault.vault[Symbol.dispose]()
})

test('[threat.31] [threat.59] a sign-in whose end could not be written down is over a while later', async () => {
  await using evil = await startEvilAs()
  const runtime = movedClock()
  await using parts = await openFlowParts({ runtime })
  const { id } = parts.addServer(evil.mcpUrl)
  const { id: flowId, url } = await parts.flows.begin(id)
  const answer = await answerAt(evil, url)
  const run = (sql: string) => parts.stores.db.statement(sql).run()
  run(`CREATE TEMP TRIGGER full BEFORE UPDATE ON oauth_flows WHEN new.phase <> 'received'
    BEGIN SELECT RAISE(ABORT, 'full'); END`)
  expect((await parts.flows.finish(answer)).phase).toBe('received')
  expect(parts.problems.length).toBeGreaterThan(0)
  run('DROP TRIGGER full')
  // Until then it may still be under way.
  runtime.move(600_000)
  expect(parts.flows.get(flowId).phase).toBe('received')
  runtime.move(100_000)
  expect(parts.flows.get(flowId)).toMatchObject({ phase: 'failed', error: 'oauth.interrupted' })
  const next = await parts.flows.begin(id)
  expect([next.phase, next.id === flowId]).toEqual(['waiting', false])
})
