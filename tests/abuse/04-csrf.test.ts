import { expect, test } from 'bun:test'
import { callBody, openSession, sessionHeaders, startDoor } from '../support/door'
import { initializeBody, mcpHeaders } from '../support/raw-client'

const corsHeaders = (response: Response) =>
  [...response.headers.keys()].filter(
    (name) => name.startsWith('access-control-') || name === 'cross-origin-resource-policy',
  )

test('[threat.04] a page of another origin is refused, also with a key', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const origins = [
    'null',
    'https://evil.example',
    'http://evil.example',
    `http://evil.example:${door.port}`,
    `http://localhost:${door.port + 1}`,
    'http://localhost',
    'http://127.0.0.1',
    `https://localhost:${door.port}`,
    `http://localhost:${door.port}.evil.example`,
    `http://localhost:${door.port}/`,
    `http://LOCALHOST:${door.port}`,
    `http://localhost:${door.port}, https://evil.example`,
    `http://user@localhost:${door.port}`,
    'file://',
    'chrome-extension://abcdef',
    'vscode-webview://x',
    'moz-extension://x',
    `http://0.0.0.0:${door.port}`,
    `http://foo.localhost:${door.port}`,
    `http://[::]:${door.port}`,
    'about:blank',
    '*',
    'undefined',
    `ws://localhost:${door.port}`,
  ]
  for (const origin of origins) {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS', 'PUT'])
      for (const path of ['/mcp', '/health', '/nothing']) {
        const response = await fetch(`http://127.0.0.1:${door.port}${path}`, {
          method,
          headers: { ...headers, Origin: origin },
          ...(method === 'POST' ? { body: callBody(1) } : {}),
        })
        expect([origin, method, path, response.status]).toEqual([origin, method, path, 403])
        expect(corsHeaders(response)).toEqual([])
      }
  }
  expect(door.seen).toEqual([])
  for (const own of ['localhost', '127.0.0.1', '[::1]']) {
    const response = await fetch(door.url, {
      method: 'POST',
      headers: { ...headers, Origin: `http://${own}:${door.port}` },
      body: callBody(1),
    })
    expect([response.status, corsHeaders(response)]).toEqual([200, []])
  }
})

test('[threat.04] what a form or a simple request can send is no message', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const headers = sessionHeaders(key, await openSession(door.url, key))
  const types = [
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/json',
    'application/json-rpc',
    'application/jsonp',
    'application/json5',
    'application/vnd.api+json',
    'text/plain; application/json',
    'text/plain, application/json',
    'application/json, text/plain',
    'application/json;text/plain',
    'application/json; boundary=x',
    'application/json; charset=utf-16',
    'application /json',
    'xapplication/json',
    'application/jsonx',
    '*/*',
    'json',
    ' ',
  ]
  for (const type of types) {
    const response = await fetch(door.url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': type },
      body: callBody(1),
    })
    expect([type, response.status]).toEqual([type, 415])
  }
  const bare = await fetch(door.url, {
    method: 'POST',
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'Content-Type')),
    body: new Uint8Array(Buffer.from(callBody(1))),
  })
  expect(bare.status).toBe(415)
  const packed = await fetch(door.url, {
    method: 'POST',
    headers: { ...headers, 'Content-Encoding': 'gzip' },
    body: Bun.gzipSync(Buffer.from(callBody(1))),
  })
  expect(packed.status).toBe(415)
  expect(door.seen).toEqual([])
})

test('[threat.04] no answer of any kind carries a CORS header, and every one carries the guarding ones', async () => {
  await using door = await startDoor()
  const { text: key } = door.keyFor('one')
  const base = `http://127.0.0.1:${door.port}`
  const session = await openSession(door.url, key)
  const requests: [string, RequestInit][] = [
    ['/health', {}],
    ['/nothing', {}],
    ['/.well-known/oauth-protected-resource', {}],
    ['/.well-known/oauth-authorization-server/mcp', {}],
    [
      '/mcp',
      {
        method: 'OPTIONS',
        headers: {
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Private-Network': 'true',
        },
      },
    ],
    ['/mcp', {}],
    ['/mcp', { method: 'POST', headers: mcpHeaders(key), body: initializeBody() }],
    ['/mcp', { method: 'POST', headers: sessionHeaders(key, session), body: callBody(1) }],
    ['/mcp', { method: 'POST', headers: sessionHeaders(key, session), body: '{' }],
    [
      '/mcp',
      { method: 'POST', headers: sessionHeaders(key, session), body: '{"jsonrpc":"2.0","method":"x"}' },
    ],
    ['/mcp', { method: 'DELETE', headers: sessionHeaders(key, session) }],
  ]
  const statuses: number[] = []
  for (const [path, init] of requests) {
    const response = await fetch(base + path, init)
    statuses.push(response.status)
    expect(corsHeaders(response)).toEqual([])
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('server')).toBeNull()
    expect(response.headers.get('x-powered-by')).toBeNull()
  }
  expect(statuses).toEqual([200, 404, 404, 404, 405, 401, 200, 200, 400, 202, 204])
})
