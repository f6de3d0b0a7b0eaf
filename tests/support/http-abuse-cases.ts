// What a hostile or broken program may put on the wire, and which refusals are right.
import { callBody } from './door'
import { rawRequest } from './raw-http'

export interface AbuseCase {
  name: string
  data: string
  /** Statuses of the first response that are right; none at all (connection closed) counts as 400. */
  allowed: readonly number[]
}

const refused = [400, 401, 403, 404, 405, 406, 408, 411, 413, 414, 415, 417, 421, 426, 431, 501, 505]

/** Requests that are wrong, or as good as wrong, one way each. */
export function abuseCases(port: number, key: string, session: string): AbuseCase[] {
  const host = `Host: localhost:${port}`
  const auth = `Authorization: Bearer ${key}`
  const body = callBody(1)
  const close = 'Connection: close'
  const good = [
    host,
    auth,
    `Mcp-Session-Id: ${session}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
  ]
  const post = (headers: readonly string[], content = body, line = 'POST /mcp HTTP/1.1') =>
    rawRequest(line, headers, content)
  const length = `Content-Length: ${body.length}`
  const all: AbuseCase[] = []
  const add = (name: string, data: string, allowed: readonly number[] = refused) =>
    all.push({ name, data, allowed })

  add('a good request', post([...good, length, close]), [200])

  const paths = [
    '/',
    '/MCP',
    '/mcp/',
    '/mcp//',
    '//mcp',
    '///mcp',
    '/mcp/.',
    '/mcp/..',
    '/mcp/../health/',
    '/mcp;a',
    '/mcp%00',
    '/mcp%20',
    '/mcp%2f',
    '/mcp%5c',
    '/mcp\\',
    '/mcp.json',
    '/mcp/x',
    '/x/mcp',
    '/mcp,',
    '/mcp:',
    '/mcp~',
    '/mcp%',
    '/mcp%zz',
    '/mcp%c0%af',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/../../etc/passwd',
    '/..;/mcp',
    '/.;/mcp',
    '/health/x',
    '/health/..;/mcp',
    '/health%2f..%2fmcp',
    '/admin',
    '/api',
    '/api/spaces',
    '/spaces',
    '/events',
    '/metrics',
    '/debug',
    '/debug/pprof',
    '/status',
    '/server-status',
    '/.env',
    '/.git/config',
    '/favicon.ico',
    '/robots.txt',
    '/index.html',
    '/sse',
    '/messages',
    '/message',
    '/ws',
    '/oauth/authorize',
    '/oauth/token',
    '/.well-known/',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server',
    '/.well-known/mcp',
    '/swagger',
    '/graphql',
    '/%6dcp%2f',
    '/mcp%3fx',
    `/${'a'.repeat(2000)}`,
    `/${'../'.repeat(200)}mcp/x`,
    '/%u006dcp',
    '/ｍcp',
  ]
  // Where clients without a key learn how to sign in, and do; each with one method.
  const known = [[200], [405]] as const
  const signIn: Record<string, readonly [gets: readonly number[], posts: readonly number[]]> = {
    '/.well-known/oauth-protected-resource': known,
    '/.well-known/oauth-protected-resource/mcp': known,
    '/.well-known/oauth-authorization-server': known,
    '/oauth/authorize': [[400], [405]],
    '/oauth/token': [[405], [400]],
  }
  const absent = [400, 404, 414]
  for (const path of paths) {
    const [gets, posts] = signIn[path] ?? [absent, absent]
    add(`GET ${path}`, rawRequest(`GET ${path} HTTP/1.1`, [host, auth, close]), gets)
    add(`POST ${path}`, post([...good, length, close], body, `POST ${path} HTTP/1.1`), posts)
    add(`${path} without key`, rawRequest(`GET ${path} HTTP/1.1`, [host, close]), gets)
  }

  for (const method of [
    'HEAD',
    'PUT',
    'PATCH',
    'OPTIONS',
    'TRACE',
    'CONNECT',
    'PROPFIND',
    'PURGE',
    'get',
    'post',
    'Post',
    'POST2',
    'X',
    '',
    ' ',
    'GET\tX',
    'MCP',
    'LINK',
    'QUERY',
    'M-SEARCH',
  ])
    add(`method ${JSON.stringify(method)}`, rawRequest(`${method} /mcp HTTP/1.1`, [...good, close]))

  for (const version of [
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/9.9',
    'http/1.1',
    'HTTP/1',
    'HTTP/1.1 x',
    'HTTPS/1.1',
    'HTTP /1.1',
    '',
    'SIP/2.0',
    'HTTP/1.10',
    'HTTP/11',
    'HTTP/-1.1',
  ])
    add(`version ${JSON.stringify(version)}`, post([...good, length, close], body, `POST /mcp ${version}`), [
      ...refused,
      ...(version === 'HTTP/1.2' ? [200] : []),
    ])

  const lengths = [
    '-1',
    '+5',
    '0x10',
    '1e3',
    '5.0',
    ' ',
    '99999999999999999999',
    '18446744073709551616',
    'abc',
    '5;5',
    '5 5',
    '١٢',
    '00000000000000000000000000000001x',
  ]
  for (const value of lengths)
    add(`Content-Length ${value}`, post([...good, `Content-Length: ${value}`, close]))
  add('two lengths that differ', post([...good, length, 'Content-Length: 5', close]))
  add('two lengths in one', post([...good, `Content-Length: ${body.length}, 5`, close]))
  add('length and chunked', post([...good, length, 'Transfer-Encoding: chunked', close], `0\r\n\r\n${body}`))
  add(
    'chunked and length',
    post([...good, 'Transfer-Encoding: chunked', 'Content-Length: 3', close], `0\r\n\r\n${body}`),
  )
  for (const coding of [
    'chunked, chunked',
    'identity, chunked, x',
    'xchunked',
    'chunked;q=1',
    ' chunked',
    'gzip',
    'x',
    'chunk\ted',
    '"chunked"',
    'chunked, identity',
  ])
    add(
      `Transfer-Encoding ${JSON.stringify(coding)}`,
      post([...good, `Transfer-Encoding: ${coding}`, close], '0\r\n\r\n'),
    )
  for (const chunk of [
    'zz\r\nab\r\n0\r\n\r\n',
    '-1\r\nab\r\n0\r\n\r\n',
    'ffffffffffffffff\r\nab\r\n0\r\n\r\n',
    '2\nab\n0\n\n',
    '2\r\nabc\r\n0\r\n\r\n',
    '0x2\r\nab\r\n0\r\n\r\n',
    '2 \r\nab\r\n0\r\n\r\n',
    '\r\n\r\n',
    '2;a=b\r\nab\r\n0\r\n\r\n',
  ])
    add(`chunk ${JSON.stringify(chunk)}`, post([...good, 'Transfer-Encoding: chunked', close], chunk))

  const headers = [
    'Authorization : Bearer x',
    'X Y: 1',
    'X\tY: 1',
    ': empty',
    'NoColon',
    'X:\x00',
    'X: a\x00b',
    'X: a\rb',
    'X\x7f: 1',
    '(x): 1',
    'X@: 1',
    ' folded: 1',
    '\tfolded',
    'X: 1\r\n folded',
    'X: 1\r\n\tfolded',
    'É: 1',
    '"X": 1',
    'X{}: 1',
    'X/: 1',
    'X=: 1',
  ]
  for (const header of headers) {
    add(
      `header ${JSON.stringify(header)}`,
      rawRequest('POST /mcp HTTP/1.1', [host, header, 'Content-Length: 0', close]),
    )
    add(`header ${JSON.stringify(header)} first`, rawRequest('GET /nothing HTTP/1.1', [header, host, close]))
  }
  add('20 kB of one header', rawRequest('GET /mcp HTTP/1.1', [host, `X: ${'a'.repeat(20_000)}`, close]))
  add(
    '500 headers',
    rawRequest('GET /mcp HTTP/1.1', [
      host,
      ...Array.from({ length: 500 }, (_, i) => `X-${i}: ${'a'.repeat(60)}`),
      close,
    ]),
  )
  add('20 kB of path', rawRequest(`GET /${'a'.repeat(20_000)} HTTP/1.1`, [host, close]))
  add('20 kB of query', rawRequest(`GET /mcp?${'a'.repeat(20_000)} HTTP/1.1`, [host, close]))
  add('200 kB of method', rawRequest(`${'A'.repeat(200_000)} /mcp HTTP/1.1`, [host, close]))

  const credentials = [
    `Authorization: Bearer ${key}, Bearer ${key}`,
    `Authorization: Bearer ${key}\r\nAuthorization: Bearer ${key}`,
    `Authorization: Bearer ${key}\r\nAuthorization: Basic eDp5`,
    `Authorization: Basic eDp5\r\nAuthorization: Bearer ${key}`,
    `MCP-Key: ${key}\r\nMCP-Key: ${key}`,
    `MCP-Key: ${key}\r\nAuthorization: Bearer ${key}`,
    `Authorization: Bearer\t${key}`,
    `Authorization: Bearer ${key}\x01`,
    `Authorization:: Bearer ${key}`,
    `Authorization: Bearer=${key}`,
    `Authorization: Bearer realm="${key}"`,
    `Authorization_: Bearer ${key}`,
  ]
  for (const credential of credentials)
    for (const line of ['POST /mcp HTTP/1.1', 'GET /mcp HTTP/1.1', 'DELETE /mcp HTTP/1.1'])
      add(
        `${line} ${credential.replaceAll(key, 'KEY')}`,
        rawRequest(line, [
          host,
          credential,
          `Mcp-Session-Id: ${session}`,
          'Content-Type: application/json',
          'Content-Length: 0',
          close,
        ]),
        [400, 401],
      )

  const first = [
    '\x00\x01\x02',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\r\n\r\n\r\n\r\n',
    'GET\r\n\r\n',
    '{"jsonrpc":"2.0"}\r\n\r\n',
    'GET /mcp\r\n\r\n',
    'SSH-2.0-x\r\n',
    '*3\r\n$3\r\nSET\r\n',
    'GET /mcp HTTP/1.1\n\n',
    `GET /mcp HTTP/1.1\n${host}\n\n`,
    'GET  /mcp  HTTP/1.1\r\n\r\n',
  ]
  for (const data of first) add(`first bytes ${JSON.stringify(data)}`, data)

  for (const bad of [
    '[',
    '{',
    '',
    ' ',
    '\x00',
    'null',
    '1',
    '"x"',
    '[]',
    '{"jsonrpc":"1.0","id":1,"method":"x"}',
    '{"id":1,"method":"x"}',
    '{"jsonrpc":"2.0","id":{},"method":"x"}',
    '{"jsonrpc":"2.0","id":1,"method":5}',
    '{"jsonrpc":"2.0","id":1,"method":"x","params":[]}',
    '{"jsonrpc":"2.0","id":1,"method":"x","method":"y"}',
    '{"jsonrpc":"2.0","id":1}',
    '\xff\xfe',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    '{"jsonrpc":"2.0","id":1e400,"method":"x"}',
  ])
    add(
      `body ${JSON.stringify(bad)}`,
      post([...good, `Content-Length: ${Buffer.byteLength(bad, 'latin1')}`, close], bad),
      [400],
    )
  return all
}
