// Threat 39: scopes grow by what is asked for, a person sees what is new, and a server that never has enough is not believed.
import { expect, test } from 'bun:test'
import { addedScope, chooseScope, scopesIn, type ScopeFacts } from '../../gateway/oauth/scopes'
import { startEvilAs } from '../support/evil-as'
import { movedClock, openFlowParts } from '../support/flow-parts'
import { openLeg, rejection } from '../support/remote-leg'
import { tokenIssuer } from '../support/token-issuer'
import { tokenParts } from '../support/token-parts'

/** A server that never has enough, and says with each answer what it wants now. */
function greedy(wants: (turn: number) => string) {
  let turn = 0
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => {
      const challenge = `Bearer error="insufficient_scope", scope="${wants(turn++)}"`
      return new Response(null, { status: 403, headers: { 'www-authenticate': challenge } })
    },
  })
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

const scopeOf = (url: string | null) => new URL(url ?? '').searchParams.get('scope')

test('[threat.39] [oauth.flow] more rights are asked for beside those that are there, and named', async () => {
  await using evil = await startEvilAs()
  await using parts = await openFlowParts()
  const server = parts.addServer(evil.mcpUrl)
  const first = await parts.signIn(evil, server.id)
  expect(first).toMatchObject({ phase: 'done', scope: 'tools:read offline_access' })
  parts.want(server.id, 'tools:admin')
  const more = await parts.flows.begin(server.id)
  expect(more.addedScope).toBe('tools:admin')
  expect(scopeOf(more.url)?.split(' ').toSorted()).toEqual(['offline_access', 'tools:admin', 'tools:read'])
  // The client id that is there serves: whoever signs in for more does not lose what there was.
  expect(evil.at('issuer', '/register')).toHaveLength(1)
  // It waits; asking again gives it, and a wish it does not have takes its place.
  expect((await parts.flows.begin(server.id)).id).toBe(more.id)
  const other = await parts.flows.begin(server.id, { scope: 'tools:other' })
  expect(other.id).not.toBe(more.id)
  expect(other.addedScope).toBe('tools:other tools:admin')
  expect(parts.flows.get(more.id)).toMatchObject({ phase: 'cancelled', error: 'oauth.interrupted' })
})

test('[threat.39] a server that asks for the same rights again and again gets three sign-ins and no more', async () => {
  await using evil = await startEvilAs()
  const runtime = movedClock()
  await using parts = await openFlowParts({ runtime })
  const server = parts.addServer(evil.mcpUrl)
  for (let turn = 0; turn < 3; turn += 1) {
    expect((await parts.signIn(evil, server.id)).phase).toBe('done')
    parts.want(server.id, 'tools:read')
    runtime.move(3_600_000)
  }
  for (let turn = 0; turn < 3; turn += 1)
    await expect(parts.flows.begin(server.id)).rejects.toMatchObject({ code: 'oauth.scope_refused' })
  expect(evil.at('issuer', '/authorize')).toHaveLength(3)
  // Who has to sign in anew for another reason may, for what there was.
  for (const row of parts.stores.tokens.list(server.id))
    parts.stores.tokens.mark(row, row.version, 'refused', 'tools:read')
  const anew = await parts.flows.begin(server.id)
  expect(scopeOf(anew.url)).toContain('tools:read')
  parts.flows.cancel(anew.id)
  // Whoever signs out begins anew.
  for (const row of parts.stores.tokens.list(server.id)) parts.stores.tokens.remove(row)
  parts.events.emit('authorization.changed', { spaceId: server.spaceId, serverId: server.id })
  expect((await parts.signIn(evil, server.id)).phase).toBe('done')
  parts.want(server.id, 'tools:read')
  expect((await parts.signIn(evil, server.id)).phase).toBe('done')
})

test('[threat.39] a server that asks for something else each time gets three sign-ins in ten minutes', async () => {
  await using evil = await startEvilAs()
  const runtime = movedClock()
  await using parts = await openFlowParts({ runtime })
  const [server, calm] = [parts.addServer(evil.mcpUrl), parts.addServer(evil.mcpUrl)]
  for (let turn = 0; turn < 3; turn += 1) {
    await parts.signIn(evil, server.id)
    parts.want(server.id, `tools:${turn}`)
  }
  await expect(parts.flows.begin(server.id)).rejects.toMatchObject({ code: 'oauth.scope_refused' })
  expect(evil.at('issuer', '/authorize')).toHaveLength(3)
  // No other server is held to that.
  expect((await parts.signIn(evil, calm.id)).phase).toBe('done')
  runtime.move(600_000)
  expect((await parts.signIn(evil, server.id)).phase).toBe('done')
})

test('[threat.39] one browser is opened for a server within a minute', async () => {
  await using evil = await startEvilAs()
  const runtime = movedClock()
  await using parts = await openFlowParts({ runtime })
  const [one, two] = [parts.addServer(evil.mcpUrl), parts.addServer(evil.mcpUrl)]
  const first = await parts.flows.begin(one.id)
  expect(parts.flows.browserFor(first.id)).toBe(first.url)
  expect(parts.flows.browserFor(first.id)).toBeNull()
  const next = await parts.flows.begin(one.id, { scope: 'tools:more' })
  expect(parts.flows.browserFor(next.id)).toBeNull()
  const other = await parts.flows.begin(two.id)
  expect(parts.flows.browserFor(other.id)).toBe(other.url)
  runtime.move(60_000)
  expect(parts.flows.browserFor(next.id)).toBe(next.url)
  runtime.move(60_000)
  parts.flows.cancel(next.id)
  expect(parts.flows.browserFor(next.id)).toBeNull()
})

test('[threat.39] what is asked for is no more than is needed', () => {
  const none: ScopeFacts = { wanted: null, asked: null, granted: null, supported: null, issuerScopes: null }
  const cases: [Partial<ScopeFacts>, string | null][] = [
    [{}, null],
    [{ supported: ['a', 'b'] }, 'a b'],
    [{ wanted: 'a', supported: ['a', 'b'] }, 'a'],
    [{ wanted: 'c', granted: 'a b' }, 'a b c'],
    [{ asked: 'c', supported: ['a', 'b'] }, 'c a b'],
    [{ asked: 'c', wanted: 'a', supported: ['a', 'b'] }, 'c a'],
    [{ granted: 'a b', supported: ['a'] }, 'a b'],
    [{ supported: ['a', 'offline_access'] }, 'a'],
    [{ supported: ['a'], issuerScopes: ['offline_access'] }, 'a offline_access'],
    [{ issuerScopes: ['x', 'offline_access'] }, null],
    [{ wanted: 'offline_access a', issuerScopes: ['a'] }, 'a'],
  ]
  expect(cases.map(([facts]) => chooseScope({ ...none, ...facts }))).toEqual(cases.map(([, scope]) => scope))
  expect([
    addedScope('a b', 'b'),
    addedScope('a', 'a b'),
    addedScope(null, 'a'),
    addedScope('a', null),
  ]).toEqual(['a', null, null, 'a'])
})

test('[threat.39] a server that names other rights with each answer is heard once and remembered for little', async () => {
  for (const [wants, most] of [
    [(turn: number) => `tools:${turn}`, 50],
    [(turn: number) => `${turn}${'x'.repeat(500)}`, 4],
    [(turn: number) => `${turn}${'x'.repeat(6000)}`, 0],
    [(turn: number) => Array.from({ length: 80 }, (_, n) => `${turn}:${n}`).join(' '), 50],
  ] as const) {
    await using server = greedy(wants)
    using issuer = tokenIssuer()
    await using parts = await tokenParts(issuer)
    const row = parts.server(server.url)
    parts.signIn(row, server.url)
    const before = parts.told.length
    await using leg = await openLeg(server.url, { authorization: parts.authorizations.of(row) ?? undefined })
    for (let turn = 0; turn < 70; turn += 1)
      expect((await rejection(leg.call('ping'))).code).toBe('upstream.unauthorized')
    const { needs, wantedScope, version } = parts.stores.tokens.list(row.id)[0] ?? {}
    expect([needs, scopesIn(wantedScope ?? null).length]).toEqual(['scope', most])
    expect(wantedScope?.length ?? 0).toBeLessThanOrEqual(2048)
    expect(version ?? 0).toBeLessThanOrEqual(1 + Math.max(1, most))
    expect(parts.told.length - before).toBe(1)
  }
})
