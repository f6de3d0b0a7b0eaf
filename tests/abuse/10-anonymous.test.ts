import { expect, test } from 'bun:test'
import { mintAccessKey } from '../../gateway/auth/access-key'
import { systemRuntime } from '../../gateway/runtime'
import { callBody, openSession, sessionHeaders, startDoor } from '../support/door'
import { initializeBody } from '../support/raw-client'
import { rawExchange, rawRequest } from '../support/raw-http'

const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJvbmUifQ.'

test('[threat.10] [keys] nothing on the endpoint answers without exactly one good key', async () => {
  await using door = await startDoor()
  const { text: key, clientId } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const { Authorization: _, ...rest } = sessionHeaders(key, session)
  const expired = door.keyFor('one', Date.now() - 1)
  const revoked = door.keyFor('one')
  door.stores.keys.revoke(revoked.keyId)
  door.events.emit('client.changed', { clientId })
  const foreign = mintAccessKey(systemRuntime.randomBytes).key.reveal()
  const attempts: [string, Record<string, string>, string][] = [
    ['none', {}, ''],
    ['empty', { Authorization: '' }, ''],
    ['scheme only', { Authorization: 'Bearer' }, ''],
    ['no scheme', { Authorization: key }, ''],
    ['foreign scheme', { Authorization: `Basic ${btoa(`x:${key}`)}` }, ''],
    ['foreign scheme, our key', { Authorization: `Basic ${key}` }, ''],
    ['token scheme', { Authorization: `Token ${key}` }, ''],
    ['unknown', { Authorization: `Bearer ${foreign}` }, ''],
    ['cut', { Authorization: `Bearer ${key.slice(0, -1)}` }, ''],
    ['longer', { Authorization: `Bearer ${key}x` }, ''],
    ['twice in one', { Authorization: `Bearer ${key}, Bearer ${key}` }, ''],
    ['twice in one value', { Authorization: `Bearer ${key} ${key}` }, ''],
    ['both headers', { Authorization: `Bearer ${key}`, 'MCP-Key': key }, ''],
    ['both headers, one empty', { Authorization: `Bearer ${key}`, 'MCP-Key': '' }, ''],
    ['key header twice', { 'MCP-Key': `${key}, ${key}` }, ''],
    ['key header with scheme', { 'MCP-Key': `Bearer ${key}` }, ''],
    ['quoted', { Authorization: `Bearer "${key}"` }, ''],
    ['expired', { Authorization: `Bearer ${expired.text}` }, ''],
    ['revoked', { Authorization: `Bearer ${revoked.text}` }, ''],
    ['jwt', { Authorization: `Bearer ${jwt}` }, ''],
    [
      'hash of the key',
      { Authorization: `Bearer ${new Bun.CryptoHasher('sha256').update(key).digest('hex')}` },
      '',
    ],
    ['key id', { Authorization: `Bearer ${revoked.keyId}` }, ''],
    ['other header', { 'X-Api-Key': key }, ''],
    ['cookie', { Cookie: `mcp-key=${key}; Authorization=Bearer ${key}` }, ''],
    ['proxy', { 'Proxy-Authorization': `Bearer ${key}` }, ''],
    ['forwarded', { 'X-Forwarded-Authorization': `Bearer ${key}`, 'X-Forwarded-User': 'one' }, ''],
    ['session id as key', { Authorization: `Bearer ${session}` }, ''],
    ['query', {}, `?key=${key}`],
    ['query, other name', {}, `?access_token=${key}`],
    ['query and header', { Authorization: `Bearer ${key}` }, `?key=${key}`],
  ]
  const bodies = [
    callBody(1),
    callBody(1, 'ping'),
    initializeBody(),
    callBody(1, 'server/discover'),
    callBody(1, 'tools/list'),
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    '{"jsonrpc":"2.0","id":1,"result":{}}',
    '{',
  ]
  for (const [name, headers, query] of attempts) {
    for (const body of bodies) {
      const response = await fetch(door.url + query, {
        method: 'POST',
        headers: { ...rest, ...headers },
        body,
      })
      expect([name, body, [401, 429].includes(response.status)]).toEqual([name, body, true])
      expect(response.headers.get('mcp-session-id')).toBeNull()
      if (response.status === 401) expect(response.headers.get('www-authenticate')).toStartWith('Bearer')
      expect(await response.text()).not.toContain('mcp_')
    }
    for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) {
      const response = await fetch(door.url + query, { method, headers: { ...rest, ...headers } })
      expect([name, method, [401, 429].includes(response.status)]).toEqual([name, method, true])
    }
  }
  expect(door.seen).toEqual([])
  expect([...door.sessions.list()].length).toBe(1)
})

test('[threat.10] [keys] the three ways to send a key work, all alike', async () => {
  await using door = await startDoor()
  const { text: key, clientId } = door.keyFor('one')
  const session = await openSession(door.url, key)
  const { Authorization: _, ...rest } = sessionHeaders(key, session)
  const ways: Record<string, string>[] = [
    { Authorization: `Bearer ${key}` },
    { Authorization: `bearer  ${key}` },
    { Authorization: `MCP-Key ${key}` },
    { 'MCP-Key': key },
    { 'mcp-key': key },
  ]
  for (const header of ways) {
    const response = await fetch(door.url, {
      method: 'POST',
      headers: { ...rest, ...header },
      body: callBody(1),
    })
    expect(await response.json()).toMatchObject({ result: { client: clientId } })
  }
})

test('[threat.10] the body of a request without a key is not waited for, and the connection ends', async () => {
  await using door = await startDoor()
  const reply = await rawExchange(
    door.port,
    rawRequest(
      'POST /mcp HTTP/1.1',
      [`Host: localhost:${door.port}`, 'Content-Type: application/json', 'Content-Length: 10000000'],
      '{"jsonrpc"',
    ),
  )
  expect(reply.statuses).toEqual([401])
  expect(reply.closed).toBe(true)
  const chunked = await rawExchange(
    door.port,
    rawRequest(
      'POST /mcp HTTP/1.1',
      [`Host: localhost:${door.port}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked'],
      'ffffff\r\n{"a"',
    ),
  )
  expect([chunked.statuses, chunked.closed]).toEqual([[401], true])
})
