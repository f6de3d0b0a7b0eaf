import { expect, test } from 'bun:test'
import type { Authorization, Needed } from '../../gateway/transport/authorization'
import { Secret } from '../../gateway/secrets/secret'
import { fakeTime } from '../support/fake-time'
import { movedClock } from '../support/flow-parts'
import { rejection } from '../support/remote-leg'
import { tokenIssuer } from '../support/token-issuer'
import { tokenParts, type TokenParts } from '../support/token-parts'

const url = 'http://127.0.0.1:7/mcp'
const HOUR = 3_600_000

const portOf = ({ authorizations }: TokenParts, server: Parameters<typeof authorizations.of>[0]) => {
  const port = authorizations.of(server)
  if (!port) throw new Error('a remote server has a port')
  return port
}
const shown = (pass: Secret | Needed | null): string =>
  pass instanceof Secret ? pass.reveal() : pass === null ? 'none' : pass.need
const ask = async (port: Authorization, to = url) => shown(await port.tokenFor(new URL(to)))
const rows = ({ stores }: TokenParts) =>
  stores.db.statement<{ version: number; needs: string | null }>('SELECT * FROM oauth_tokens').all()

test('[oauth.refresh] good tokens are given at once, without a promise and without the store', async () => {
  using issuer = tokenIssuer()
  await using parts = await tokenParts(issuer)
  const server = parts.server(url)
  const port = portOf(parts, server)
  expect(port.tokenFor(new URL(url))).toBeNull()
  const { accessToken } = parts.signIn(server, url)
  expect(shown(port.tokenFor(new URL(url)) as Secret)).toBe(accessToken.reveal())
  let reads = 0
  const { statement } = parts.stores.db
  parts.stores.db.statement = (sql) => (reads++, statement(sql))
  for (let i = 0; i < 100; i++) expect(port.tokenFor(new URL(url))).toBeInstanceOf(Secret)
  expect([reads, issuer.asked.length]).toEqual([0, 0])
})

test('[oauth.refresh] tokens are renewed at four fifths of their life whether or not anybody calls', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const { accessToken } = parts.signIn(server, url, 'read write')
  const port = portOf(parts, server)
  await time.pass(0.77 * HOUR)
  expect([issuer.asked.length, await ask(port)]).toEqual([0, accessToken.reveal()])
  await time.pass(0.07 * HOUR)
  expect(issuer.asked.length).toBe(1)
  expect(Object.fromEntries(issuer.asked[0] ?? [])).toMatchObject({ resource: url, scope: 'read write' })
  expect(await ask(port)).not.toBe(accessToken.reveal())
  await time.pass(10 * HOUR)
  const status = parts.tokens.of(server)
  expect(issuer.asked.length).toBeGreaterThan(10)
  expect([status?.needs, (status?.expiresAt ?? 0) > time.runtime.now()]).toEqual([null, true])
  expect(parts.faults).toEqual([])
})

test('[threat.38] tokens that live for seconds are renewed at most every 30 s unless somebody calls', async () => {
  for (const [life, most] of [
    [1, 0],
    [29, 0],
    [30, 120],
    [35, 120],
  ] as const) {
    using issuer = tokenIssuer()
    issuer.life = life
    const time = fakeTime()
    await using parts = await tokenParts(issuer, time)
    const server = parts.server(url)
    const { accessToken } = parts.signIn(server, url)
    for (let minute = 0; minute < 60; minute += 1) await time.pass(60_000)
    const asked = issuer.asked.length
    expect(`${life} s: ${asked <= most && asked >= most * 0.4}`).toBe(`${life} s: true`)
    time.set(time.runtime.now() + 60_000)
    const given = await ask(portOf(parts, server))
    expect([given.startsWith('access-'), given === accessToken.reveal()]).toEqual([true, false])
  }
})

test('[threat.38] two hundred who ask when the tokens ran out make one request and get the same', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const { accessToken, family } = parts.signIn(server, url)
  const port = portOf(parts, server)
  time.set(time.runtime.now() + 2 * HOUR)
  const given = await Promise.all(Array.from({ length: 200 }, () => ask(port)))
  expect(issuer.asked.length).toBe(1)
  expect(new Set(given)).toEqual(new Set([[...family.access].at(-1) ?? '']))
  expect(given[0]).not.toBe(accessToken.reveal())
  expect(family.revoked).toBe(false)
})

test('[threat.38] new tokens are stored before they are used', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  parts.signIn(server, url)
  const port = portOf(parts, server)
  const { stores } = parts
  stores.db
    .statement(
      "CREATE TRIGGER full BEFORE INSERT ON oauth_tokens BEGIN SELECT RAISE(FAIL, 'the disk is full'); END",
    )
    .run()
  time.set(time.runtime.now() + 2 * HOUR)
  expect((await rejection(Promise.resolve(port.tokenFor(new URL(url))))).code).toMatch(/^(store\.|internal)/)
  expect((await rejection(Promise.resolve(port.tokenFor(new URL(url))))).code).toMatch(/^(store\.|internal)/)
  // What was got is not asked for again: the refresh token is used up.
  expect(issuer.asked.length).toBe(1)
  stores.db.statement('DROP TRIGGER full').run()
  expect(await ask(port)).toStartWith('access-')
  expect([issuer.asked.length, rows(parts)[0]?.version]).toEqual([1, 2])
})

test('[threat.38] an authorization server that is away for an hour costs nothing but that hour', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const { accessToken, family } = parts.signIn(server, url)
  const port = portOf(parts, server)
  issuer.instead = () => new Response('away', { status: 503 })
  await time.pass(0.98 * HOUR)
  // As long as they may count, the old ones are sent.
  expect(await ask(port)).toBe(accessToken.reveal())
  await time.pass(0.3 * HOUR)
  expect((await rejection(Promise.resolve(port.tokenFor(new URL(url))))).code).toBe('oauth.unreachable')
  const before = issuer.asked.length
  await Promise.allSettled(Array.from({ length: 50 }, () => ask(port)))
  expect(issuer.asked.length - before).toBeLessThanOrEqual(1)
  await time.pass(0.5 * HOUR)
  expect(issuer.asked.length).toBeLessThan(150)
  expect(rows(parts)).toMatchObject([{ version: 1, needs: null }])
  issuer.instead = null
  await time.pass(90_000)
  expect(await ask(port)).toBe([...family.access].at(-1) ?? '')
  expect(parts.told.length).toBe(1)
})

test('[threat.38] [oauth.refresh] an issuer that says when to ask again is asked then: within a minute, and when the tokens end', async () => {
  const said = (status: number, text: string) =>
    new Response('later', { status, headers: { 'retry-after': text } })
  const SOON = 3000
  for (const [answer, life, from, to] of [
    [() => said(503, '40'), 600, 40_000, 40_000],
    [() => said(429, '40'), 600, 40_000, 40_000],
    [(now: number) => said(429, new Date(now + 30_000).toUTCString()), 600, 28_000, 30_000],
    [() => said(503, '86400'), 600, 60_000, 60_000],
    // Who asks once more when the old ones are over may have new ones in time.
    [() => said(503, '60'), 60, 10_500, 13_500],
    [() => said(503, 'soon'), 600, 0, 1000],
    [() => said(503, '-40'), 600, 0, 1000],
    [() => said(500, '40'), 600, 0, 1000],
    [() => said(200, '40'), 600, 0, 1000],
  ] as const) {
    using issuer = tokenIssuer()
    issuer.life = life
    const time = fakeTime()
    await using parts = await tokenParts(issuer, time)
    const server = parts.server(url)
    parts.signIn(server, url)
    const port = portOf(parts, server)
    const asked: number[] = []
    issuer.instead = () => {
      asked.push(time.runtime.now())
      return answer(time.runtime.now())
    }
    await time.pass(life * 770)
    while (asked.length < 2) {
      await ask(port).catch(() => undefined)
      await time.pass(1000)
    }
    const [first = 0, second = 0] = asked
    const label = `${answer(0).status} ${answer(0).headers.get('retry-after')} ${life}`
    expect(`${label}: ${second - first >= from && second - first <= to + SOON}`).toBe(`${label}: true`)
  }
})

test('[threat.38] ten answers of 500 leave the credential as it was', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  parts.signIn(server, url)
  const port = portOf(parts, server)
  const before = JSON.stringify(rows(parts))
  issuer.instead = () => Response.json({ error: 'invalid_grant' }, { status: 500 })
  time.set(time.runtime.now() + 2 * HOUR)
  while (issuer.asked.length < 10) {
    expect((await rejection(Promise.resolve(port.tokenFor(new URL(url))))).code).toBe('oauth.unreachable')
    await time.pass(61_000)
  }
  expect(JSON.stringify(rows(parts))).toBe(before)
  issuer.instead = null
  await time.pass(61_000)
  expect(await ask(port)).toStartWith('access-')
})

test('[threat.38] a refusal is noted, the tokens stay, and the issuer is not asked again', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const { accessToken, family } = parts.signIn(server, url)
  const port = portOf(parts, server)
  family.revoked = true
  await time.pass(0.85 * HOUR)
  // They count until they end.
  expect([parts.tokens.of(server)?.needs, await ask(port)]).toEqual(['refused', accessToken.reveal()])
  expect(parts.told.length).toBe(2)
  await time.pass(0.2 * HOUR)
  expect(await ask(port)).toBe('refused')
  await time.pass(2 * HOUR)
  expect([await ask(port), issuer.asked.length, parts.told.length]).toEqual(['refused', 1, 2])
  expect(rows(parts).length).toBe(1)
  parts.signIn(server, url)
  expect(await ask(port)).toStartWith('access-')
  expect(parts.tokens.of(server)?.needs).toBeNull()
})

test('[oauth.refresh] tokens that cannot be renewed say so when they end', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const grant = issuer.begin(url, time.runtime.now())
  const binding = { serverId: server.id, spaceId: server.spaceId, issuer: issuer.url, resource: url }
  parts.tokens.accept(binding, issuer.registration, issuer.metadata, { ...grant, refreshToken: null })
  const port = portOf(parts, server)
  await time.pass(0.9 * HOUR)
  expect(await ask(port)).toBe(grant.accessToken.reveal())
  await time.pass(0.2 * HOUR)
  expect([await ask(port), issuer.asked.length]).toEqual(['expired', 0])
})

test('[oauth.refresh] tokens nobody said a lifetime of are renewed while they are used, and never held back', async () => {
  using issuer = tokenIssuer()
  issuer.life = null
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const { accessToken } = parts.signIn(server, url)
  const port = portOf(parts, server)
  await time.pass(HOUR)
  expect(issuer.asked.length).toBe(0)
  expect(port.tokenFor(new URL(url))).toBeInstanceOf(Secret)
  await time.pass(0)
  expect([issuer.asked.length, (await ask(port)) === accessToken.reveal()]).toEqual([1, false])
})

test('[oauth.refresh] a clock that is put back or forward is no reason to use what ran out, or to lose what did not', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const { accessToken } = parts.signIn(server, url)
  const port = portOf(parts, server)
  const start = time.runtime.now()
  time.set(start - 60_000)
  expect(await ask(port)).toBe(accessToken.reveal())
  time.set(start - 24 * HOUR)
  expect(await ask(port)).not.toBe(accessToken.reveal())
  time.set(start + 365 * 24 * HOUR)
  expect(await ask(port)).toStartWith('access-')
  expect(issuer.asked.length).toBe(2)
})

test('[threat.38] two processes on one file that renew at once make one request', async () => {
  using issuer = tokenIssuer()
  const runtime = movedClock()
  await using one = await tokenParts(issuer, { runtime })
  const server = one.server(url)
  const { family } = one.signIn(server, url)
  await using two = await tokenParts(issuer, { runtime, beside: one })
  const ports = [portOf(one, server), portOf(two, server)]
  for (const port of ports) expect(await ask(port)).toStartWith('access-')
  issuer.before = () => Bun.sleep(150)
  runtime.move(2 * HOUR)
  const given = await Promise.all(ports.flatMap((port) => Array.from({ length: 20 }, () => ask(port))))
  expect([issuer.asked.length, new Set(given).size, family.revoked]).toEqual([1, 1, false])
})

test('[threat.38] who is refused because another process was faster uses what that one stored', async () => {
  using issuer = tokenIssuer()
  const runtime = movedClock()
  await using one = await tokenParts(issuer, { runtime })
  const server = one.server(url)
  const { family } = one.signIn(server, url)
  const port = portOf(one, server)
  expect(await ask(port)).toStartWith('access-')
  runtime.move(2 * HOUR)
  issuer.instead = () => {
    issuer.instead = null
    // Meanwhile a person signed in, in another process.
    one.stores.tokens.mark({ serverId: server.id, issuer: issuer.url, resource: url }, 1, null, null)
    family.revoked = true
    one.signIn(server, url)
    return Response.json({ error: 'invalid_grant' }, { status: 400 })
  }
  const given = await ask(port)
  expect(given).toStartWith('access-')
  expect([one.tokens.of(server)?.needs, [...family.access].includes(given)]).toEqual([null, false])
})

test('[threat.38] wider rights that are asked for during a renewal do not cost what it brings', async () => {
  using issuer = tokenIssuer()
  const time = fakeTime()
  await using parts = await tokenParts(issuer, time)
  const server = parts.server(url)
  const { binding } = parts.signIn(server, url)
  issuer.before = () => void parts.stores.tokens.mark(binding, 1, 'scope', 'admin')
  time.set(time.runtime.now() + 2 * HOUR)
  const given = await ask(portOf(parts, server))
  expect(given).toStartWith('access-')
  expect(parts.tokens.of(server)).toMatchObject({ needs: 'scope', wantedScope: 'admin' })
  expect(await ask(portOf(parts, server))).toBe(given)
  expect(issuer.revoked).toEqual([])
})

test('[oauth.refresh] signing out removes the tokens at once and tells the issuer of both', async () => {
  using issuer = tokenIssuer()
  await using parts = await tokenParts(issuer)
  const server = parts.server(url)
  const { accessToken, refreshToken } = parts.signIn(server, url)
  const port = portOf(parts, server)
  const stamp = parts.tokens.stamp(server.id)
  const telling = parts.tokens.forget(server)
  expect([rows(parts).length, parts.tokens.of(server), port.tokenFor(new URL(url))]).toEqual([0, null, null])
  expect(parts.tokens.stamp(server.id)).not.toBe(stamp)
  await telling
  expect(issuer.revoked).toEqual([refreshToken.reveal(), accessToken.reveal()])
})

test('[oauth.refresh] tokens are hidden in texts while they are in use', async () => {
  using issuer = tokenIssuer()
  await using parts = await tokenParts(issuer)
  const server = parts.server(url)
  const { accessToken, refreshToken } = parts.signIn(server, url)
  await ask(portOf(parts, server))
  const text = `the server said ${accessToken.reveal()} and ${refreshToken.reveal()}`
  expect(parts.redactor.redact(text)).toBe('the server said [secret] and [secret]')
  await parts.tokens.forget(server)
  expect(parts.redactor.redact('nothing')).toBe('nothing')
})

test('[oauth.refresh] while the vault is locked a server with a sign-in says so, and nothing is lost', async () => {
  using issuer = tokenIssuer()
  await using one = await tokenParts(issuer)
  const server = one.server(url)
  const { accessToken } = one.signIn(server, url)
  const before = JSON.stringify(rows(one))
  one.keychain.trouble = 'locked'
  await using two = await tokenParts(issuer, { beside: one })
  expect(two.authorizations.blockedBy(server)).toEqual({ status: 'locked' })
  expect(
    await rejection(Promise.resolve().then(() => portOf(two, server).tokenFor(new URL(url)))),
  ).toMatchObject({
    code: expect.stringMatching(/^(vault.locked|keychain.unavailable)$/),
  })
  expect(JSON.stringify(rows(two))).toBe(before)
  one.keychain.trouble = null
  await two.vault.unlock(null)
  expect(two.authorizations.blockedBy(server)).toBeNull()
  expect(await ask(portOf(two, server))).toBe(accessToken.reveal())
  expect(issuer.asked.length).toBe(0)
})
