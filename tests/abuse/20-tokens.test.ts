// Codes and refresh tokens are of use to the one they were given to, once, and nobody fills anything by asking for them.
import { expect, test } from 'bun:test'
import { systemRuntime } from '../../gateway/runtime'
import { startDoor, type TestDoor } from '../support/door'
import { Tab } from '../support/sign-in'
import {
  authorizeUrl,
  callback,
  codeFor,
  errorOf,
  ledTo,
  originOf,
  postForm,
  postJson,
  refreshFields,
  register,
  signedIn,
  type Tokens,
} from '../support/signed-in'

const tokenOf = (door: TestDoor, fields: Record<string, string> | [string, string][]) =>
  postForm(`${originOf(door)}/oauth/token`, fields)

test('[threat.20] [signin] a code is good once, for a minute, for its own client, address and verifier', async () => {
  let shift = 0
  await using door = await startDoor({
    runtime: { ...systemRuntime, monotonic: () => systemRuntime.monotonic() + shift },
  })
  const id = await register(door)
  const other = await register(door)
  const wrong: [string, (fields: Record<string, string>) => Record<string, string>, string][] = [
    ['another client', (fields) => ({ ...fields, client_id: other }), 'invalid_grant'],
    [
      'another address',
      (fields) => ({ ...fields, redirect_uri: 'http://127.0.0.1:4712/callback' }),
      'invalid_grant',
    ],
    ['another verifier', (fields) => ({ ...fields, code_verifier: 'x'.repeat(43) }), 'invalid_grant'],
    [
      'the challenge as verifier',
      (fields) => ({ ...fields, code_verifier: fields.code ?? '' }),
      'invalid_grant',
    ],
    ['no verifier', ({ code_verifier: _, ...fields }) => fields, 'invalid_grant'],
  ]
  for (const [name, change, error] of wrong) {
    const { fields } = await codeFor(door, id)
    expect([name, await errorOf(await tokenOf(door, change(fields)))]).toEqual([name, [400, error]])
    // Who tried has spent it.
    expect([name, await errorOf(await tokenOf(door, fields))]).toEqual([name, [400, 'invalid_grant']])
  }
  const { fields: late } = await codeFor(door, id)
  shift += 61_000
  expect(await errorOf(await tokenOf(door, late))).toEqual([400, 'invalid_grant'])
  const { fields: guess } = await codeFor(door, id)
  const refused: [Record<string, string>, number, string][] = [
    [{ ...guess, code: 'x'.repeat(43) }, 400, 'invalid_grant'],
    [{ ...guess, client_id: 'unknown' }, 401, 'invalid_client'],
    [{ ...guess, grant_type: 'password' }, 400, 'unsupported_grant_type'],
    [{ ...guess, grant_type: '' }, 400, 'invalid_request'],
    [{ ...guess, resource: 'https://api.example' }, 400, 'invalid_target'],
  ]
  for (const [fields, ...expected] of refused)
    expect(await errorOf(await tokenOf(door, fields))).toEqual(expected)
  expect(await errorOf(await postJson(`${originOf(door)}/oauth/token`, guess))).toEqual([
    400,
    'invalid_request',
  ])
  expect(await errorOf(await tokenOf(door, [...Object.entries(guess), ['code', 'x']]))).toEqual([
    400,
    'invalid_request',
  ])
  expect(door.stores.signIns.list()).toEqual([])

  // Twice: whoever has it too, both lose what came of it.
  const good = await tokenOf(door, guess)
  expect(good.status).toBe(200)
  const { refresh_token } = (await good.json()) as Tokens
  expect(await errorOf(await tokenOf(door, guess))).toEqual([400, 'invalid_grant'])
  expect(await errorOf(await tokenOf(door, refreshFields(id, refresh_token)))).toEqual([400, 'invalid_grant'])
  expect(door.signIn.ended).toEqual(['reused'])
  expect(door.problems).toEqual([])
})

test('[threat.20] [signin] a refresh token that comes twice ends its sign-in; two at once, or a lost answer, do not', async () => {
  let now = Date.now()
  await using door = await startDoor({ runtime: { ...systemRuntime, now: () => now } })
  const refresh = async (client: string, token: string) => {
    const answer = await tokenOf(door, refreshFields(client, token))
    return answer.status === 200 ? ((await answer.json()) as Tokens).refresh_token : errorOf(answer)
  }
  const first = await signedIn(door)
  const { clientId: id } = first
  const start = first.tokens.refresh_token
  // Several at once get the same; and so does who lost the answer, within a minute.
  const atOnce = await Promise.all([1, 2, 3, 4].map(() => refresh(id, start)))
  expect(new Set(atOnce).size).toBe(1)
  now += 50_000
  const next = await refresh(id, start)
  expect(next).toEqual(atOnce[0] as string)
  // Somebody else’s is worth nothing, and does not spend it.
  expect(await refresh(await register(door), String(next))).toEqual([400, 'invalid_grant'])
  const third = await refresh(id, String(next))
  expect(third).not.toEqual(next)
  // Once the new one was used, the old one is a thief’s, or the thief was first: both are out.
  expect(await refresh(id, start)).toEqual([400, 'invalid_grant'])
  expect(await refresh(id, String(third))).toEqual([400, 'invalid_grant'])
  expect(door.signIn.ended).toEqual(['reused'])

  const second = await signedIn(door)
  await refresh(second.clientId, second.tokens.refresh_token)
  now += 61_000
  expect(await refresh(second.clientId, second.tokens.refresh_token)).toEqual([400, 'invalid_grant'])
  expect(door.signIn.ended).toEqual(['reused', 'reused'])

  const forgotten = await signedIn(door)
  now += 91 * 86_400_000
  expect(await refresh(forgotten.clientId, forgotten.tokens.refresh_token)).toEqual([400, 'invalid_grant'])
  expect(door.signIn.ended.at(-1)).toBe('forgotten')
  for (const guess of ['', 'x', `mxr_${'x'.repeat(43)}`])
    expect(await refresh(id, guess)).toEqual([400, 'invalid_grant'])
  expect(door.problems).toEqual([])
})

test('[threat.20] [limits] [signin] who asks on and on fills nothing, and approvals run out', async () => {
  let shift = 0
  await using door = await startDoor({
    runtime: { ...systemRuntime, monotonic: () => systemRuntime.monotonic() + shift },
  })
  const id = await register(door)
  const first = new Tab()
  await first.open(authorizeUrl(door, { client_id: id }).url)
  for (let i = 0; i < 5; i += 1) {
    await ledTo(authorizeUrl(door, { client_id: id }).url)
    shift += 2000
  }
  expect(door.signIn.decisions.list().length).toBe(3)
  let busy = 0
  let ids = 0
  for (let i = 0; i < 200; i += 1) {
    shift += i < 150 ? 2000 : 0
    const answer = await postJson(`${originOf(door)}/oauth/register`, { redirect_uris: [callback] })
    const { client_id } = (await answer.json()) as { client_id?: string }
    if (client_id) ids += 1
    if ((await ledTo(authorizeUrl(door, { client_id: client_id ?? id }).url)) === null) busy += 1
  }
  expect(busy).toBeGreaterThan(50)
  expect(door.signIn.decisions.list().length).toBeLessThanOrEqual(32)
  expect(ids).toBeLessThan(200)
  const stored = door.stores.db.statement<{ many: number }>('SELECT count(*) AS many FROM applicants').get()
  expect(stored?.many).toBeLessThanOrEqual(100)
  shift += 601_000
  expect(door.signIn.decisions.list()).toEqual([])
  // A body without end is not read, nor one that says it is something else.
  const long = await postJson(`${originOf(door)}/oauth/register`, {
    redirect_uris: [callback],
    x: 'x'.repeat(70_000),
  })
  expect(await errorOf(long)).toEqual([400, 'invalid_request'])
  for (const body of [
    '',
    '[]',
    '"x"',
    '7',
    'null',
    '{',
    '{"redirect_uris":"http://localhost"}',
    '{"redirect_uris":[]}',
  ])
    expect((await postJson(`${originOf(door)}/oauth/register`, body)).status).toBe(400)
  expect(door.problems).toEqual([])
})
