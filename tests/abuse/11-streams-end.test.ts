// What a key opened ends with the key, through the running gateway: by whichever way it stops counting.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { AuditPage } from '../../gateway/admin/audit'
import { eventually, repository } from '../support/daemon'
import { callBody, openSession, sessionHeaders } from '../support/door'
import { modernFetch } from '../support/modern-client'
import { startSourceDaemon } from '../support/source-daemon'
import { readEvents } from '../support/sse-reader'

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
beforeAll(async () => {
  daemon = await startSourceDaemon()
  const program = join(repository, 'tests/servers/edges-stdio.ts')
  const added = await daemon.cli([
    'add',
    'edges',
    '--era',
    'legacy',
    '--yes',
    '--',
    process.execPath,
    program,
  ])
  expect(added.code).toBe(0)
})
afterAll(() => daemon[Symbol.asyncDispose]())

interface Made {
  key: string
  id: string
}

async function admin<T>(method: string, path: string, body: object): Promise<T> {
  const answer = await daemon.fetch(path, { method, body: JSON.stringify(body) })
  expect([path, answer.status]).toEqual([path, 200])
  return (await answer.json()) as T
}

const args = { name: 'edges_late', arguments: { count: 1, ms: 600_000 } }

/** Every kind of stream one key can have, each open and heard from. */
async function open(key: string) {
  const session = await openSession(daemon.mcpUrl, key)
  const headers = sessionHeaders(key, session)
  const call = JSON.stringify({ ...args, _meta: { progressToken: 1 } })
  const streams = {
    listening: readEvents(await fetch(daemon.mcpUrl, { headers })),
    calling: readEvents(
      await fetch(daemon.mcpUrl, { method: 'POST', headers, body: callBody(7, 'tools/call', call) }),
    ),
    subscribed: readEvents(
      await modernFetch(daemon.mcpUrl, key, {
        method: 'subscriptions/listen',
        params: { notifications: { toolsListChanged: true } },
      }),
    ),
    modern: readEvents(
      await modernFetch(daemon.mcpUrl, key, {
        method: 'tools/call',
        params: args,
        meta: { progressToken: 2 },
      }),
    ),
  }
  await eventually(
    () => Object.values(streams).map((stream) => stream.text() !== ''),
    (heard) => heard.every(Boolean),
  )
  return { headers, session, streams }
}

const opened = (streams: Awaited<ReturnType<typeof open>>['streams']) =>
  Object.values(streams).map((stream) => !stream.ended())

const status = async (headers: Record<string, string>) =>
  (await fetch(daemon.mcpUrl, { method: 'POST', headers, body: callBody(9, 'ping') })).status

const ways: Record<string, (made: Made, clientId: string) => Promise<unknown>> = {
  'it is revoked': ({ id }) => admin('DELETE', `/keys/${id}`, {}),
  'its client is removed': (_made, clientId) => admin('DELETE', `/clients/${clientId}`, {}),
}
for (const [way, end] of Object.entries(ways))
  test(`[threat.11] [keys] all streams end and calls are cancelled when ${way}, and no other client's`, async () => {
    const made = await admin<Made & { client: { id: string } }>('POST', '/keys', { client: 'ends' })
    const other = await admin<Made>('POST', '/keys', { client: 'stays' })
    const { headers, streams } = await open(made.key)
    const { streams: others, headers: otherHeaders } = await open(other.key)
    await end(made, made.client.id)
    await Promise.all(Object.values(streams).map(({ finished }) => finished))
    expect(await status(headers)).toBe(401)
    expect([opened(others), await status(otherHeaders)]).toEqual([[true, true, true, true], 200])
    await admin('DELETE', `/keys/${other.id}`, {})
  })

test('[threat.11] [keys] a key that is rotated at once ends its streams, and its session goes on with the new one', async () => {
  const old = await admin<Made>('POST', '/keys', { client: 'rotates', label: 'desk' })
  const { headers, session, streams } = await open(old.key)
  const fresh = await admin<Made & { label: string }>('POST', `/keys/${old.id}/rotate`, {})
  const { listening, calling, subscribed } = streams
  await Promise.all([listening, calling, subscribed].map(({ finished }) => finished))
  expect([await status(headers), await status(sessionHeaders(fresh.key, session))]).toEqual([401, 200])
  expect(fresh.label).toBe('desk')
  const again = await daemon.fetch(`/keys/${old.id}/rotate`, { method: 'POST', body: '{}' })
  expect(await again.json()).toMatchObject({ code: 'key.unknown' })
})

test('[threat.11] [keys] rotated with an overlap both keys count until the old one runs out, which ends its streams alone', async () => {
  const old = await admin<Made>('POST', '/keys', { client: 'overlaps' })
  const { headers, session, streams } = await open(old.key)
  const fresh = await admin<Made>('POST', `/keys/${old.id}/rotate`, { overlap: 3000 })
  const news = await open(fresh.key)
  const both = sessionHeaders(fresh.key, session)
  expect([await status(headers), await status(both)]).toEqual([200, 200])
  expect(opened(streams)).toEqual([true, true, true, true])
  const again = await daemon.fetch(`/keys/${old.id}/rotate`, { method: 'POST', body: '{}' })
  expect(await again.json()).toMatchObject({ code: 'key.replaced' })

  const { listening, calling, subscribed } = streams
  await Promise.all([listening, calling, subscribed].map(({ finished }) => finished))
  expect([await status(headers), await status(both)]).toEqual([401, 200])
  expect(opened(news.streams)).toEqual([true, true, true, true])
  const { entries } = (await (await daemon.fetch('/audit?action=key.*')).json()) as AuditPage
  expect(entries.slice(0, 2).map(({ action, client }) => [action, client])).toEqual([
    ['key.expired', 'overlaps'],
    ['key.rotated', 'overlaps'],
  ])
})
