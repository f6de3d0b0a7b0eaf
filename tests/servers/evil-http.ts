// A Streamable HTTP server that behaves until a call comes, then misbehaves as the path says: http://host/MODE.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { brotliCompressSync, gzipSync } from 'node:zlib'

interface Call {
  id: number
  method: string
  request: IncomingMessage
  response: ServerResponse
  server: EvilServer
}

export interface SeenRequest {
  method: string
  mode: string
  headers: Record<string, string | string[] | undefined>
  body: string
}

export interface EvilServer extends AsyncDisposable {
  url(mode: string): string
  seen: SeenRequest[]
  /** Requests of one mode, initialize and notifications included. */
  seenIn(mode: string, method?: string): SeenRequest[]
  /** Responses that have begun and not ended. */
  openStreams(): number
}

const text = (id: number, words = 'hi') =>
  `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":${JSON.stringify(words)}}]}}`
const event = (data: string, extra = '') => `${extra}data: ${data}\n\n`
const json = (
  { response }: Call,
  body: string | Buffer,
  status = 200,
  headers: Record<string, string> = {},
) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
const stream = ({ response }: Call, headers: Record<string, string> = {}) =>
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
const html = '<!doctype html><title>Sign in to the hotel network</title>'
const progress = (id: number, n: number) =>
  `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":${n}}}`
const serverRequest = '{"jsonrpc":"2.0","id":"s-1","method":"sampling/createMessage","params":{}}'

/** Small on the wire, huge when opened. Made once, so that a test can tell whose memory grows. */
const zeros = (bytes: number) => Buffer.alloc(bytes, 0x20)
export const bombs = { gzip: gzipSync(zeros(200_000_000)), brotli: brotliCompressSync(zeros(50_000_000)) }

/** Writes `chunk` for ever, as fast as the reader reads. */
function flood(response: ServerResponse, chunk: Buffer): void {
  const more = () => {
    if (response.destroyed) return
    if (response.write(chunk)) setImmediate(more)
    else response.once('drain', more)
  }
  more()
}

/** What happens to a call (any request but initialize) in each mode. */
export const modes: Record<string, (call: Call) => void> = {
  good: (call) => json(call, text(call.id)),
  'good-sse': (call) => stream(call).end(event(text(call.id))),
  'html-200': ({ response }) => void response.writeHead(200, { 'content-type': 'text/html' }).end(html),
  'empty-200': ({ response }) => void response.writeHead(200).end(),
  'json-empty': (call) => json(call, ''),
  'no-content': ({ response }) => void response.writeHead(204).end(),
  'accepted-call': ({ response }) => void response.writeHead(202).end(),
  'text-plain': ({ response, id }) =>
    void response.writeHead(200, { 'content-type': 'text/plain' }).end(text(id)),
  'wrong-id': (call) => json(call, text(call.id + 1000)),
  'text-id': (call) => json(call, text(call.id).replace(`"id":${call.id}`, `"id":"${call.id}"`)),
  batch: (call) => json(call, `[${text(call.id)}]`),
  'not-json': (call) => json(call, 'So long, and thanks'),
  'truncated-json': (call) => json(call, text(call.id).slice(0, -5)),
  'deep-json': (call) => json(call, `{"jsonrpc":"2.0","id":${call.id},"result":${'['.repeat(400_000)}`),
  'duplicate-id': (call) => json(call, `{"jsonrpc":"2.0","id":${call.id},"id":${call.id},"result":{}}`),
  'bad-utf8': (call) =>
    json(call, Buffer.concat([Buffer.from(text(call.id).slice(0, -20)), Buffer.from([0xff, 0xfe])])),
  'short-body': (call) => {
    call.response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
    call.response.write(text(call.id), () => call.request.socket.destroy())
  },
  'declared-huge': (call) => {
    call.response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(2 ** 40) })
    call.response.write('{')
  },
  'endless-json': (call) => {
    call.response.writeHead(200, { 'content-type': 'application/json' })
    flood(call.response, Buffer.alloc(65_536, 0x20))
  },
  'gzip-bomb-json': (call) => json(call, bombs.gzip, 200, { 'content-encoding': 'gzip' }),
  'brotli-bomb-json': (call) => json(call, bombs.brotli, 200, { 'content-encoding': 'br' }),
  'gzip-bomb-sse': (call) => void stream(call, { 'content-encoding': 'gzip' }).end(bombs.gzip),
  'gzip-good': (call) => json(call, gzipSync(text(call.id)), 200, { 'content-encoding': 'gzip' }),
  'gzip-good-sse': (call) =>
    void stream(call, { 'content-encoding': 'gzip' }).end(gzipSync(event(text(call.id)))),
  'gzip-damaged': (call) =>
    json(call, gzipSync(text(call.id).repeat(50)).subarray(0, 40), 200, { 'content-encoding': 'gzip' }),
  'odd-encoding': (call) => json(call, text(call.id), 200, { 'content-encoding': 'lzma' }),
  'endless-line-sse': (call) => {
    stream(call).write('data: ')
    flood(call.response, Buffer.alloc(65_536, 0x61))
  },
  'comment-flood-sse': (call) => {
    stream(call).write(': ignore me\n'.repeat(100_000))
    call.response.end(event(text(call.id)))
  },
  'reset-before-answer': ({ request }) => void request.socket.resetAndDestroy(),
  'close-before-answer': ({ request }) => void request.socket.end(),
  'reset-mid-event': (call) => {
    stream(call).write('data: {"jsonrpc":"2.0",', () =>
      setTimeout(() => call.request.socket.resetAndDestroy(), 20),
    )
  },
  'sse-without-answer': (call) => void stream(call).end(event(progress(call.id, 1))),
  'sse-empty': (call) => void stream(call).end(),
  'resume-works': (call) => void stream(call).end(event('', `id: r-${call.id}\nretry: 100\n`)),
  'resume-half-event': (call) => {
    const half = `id: r-${call.id}\nretry: 100\ndata: \n\nid: lost-${call.id}\ndata: {"jsonrpc":`
    stream(call).write(half, () => setTimeout(() => call.request.socket.resetAndDestroy(), 20))
  },
  'resume-conflict': (call) => void stream(call).end(event('', `id: r-${call.id}\nretry: 100\n`)),
  'resume-quiet': (call) => void stream(call).end(event('', `id: r-${call.id}\nretry: 100\n`)),
  'resume-refused': (call) => void stream(call).end(event('', `id: r-${call.id}\nretry: 100\n`)),
  'resume-for-ever': (call) => void stream(call).end(event('', `id: r-${call.id}\nretry: 0\n`)),
  'error-500': ({ response }) => void response.writeHead(500, { 'content-type': 'text/html' }).end(html),
  'error-502': ({ response }) => void response.writeHead(502).end(),
  'error-503': ({ response }) => void response.writeHead(503, { 'retry-after': '7' }).end('later'),
  'error-429': ({ response }) => void response.writeHead(429, { 'retry-after': '999999' }).end(),
  'error-511': ({ response }) => void response.writeHead(511, { 'content-type': 'text/html' }).end(html),
  'error-403': ({ response }) => void response.writeHead(403).end('no'),
  'error-400-html': ({ response }) => void response.writeHead(400, { 'content-type': 'text/html' }).end(html),
  'error-400-null-id': (call) =>
    json(
      call,
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32099,"message":"odd","data":{"n":9007199254740993}}}',
      400,
    ),
  'error-401': ({ response }) =>
    void response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end(),
  'session-over': (call) =>
    json(call, '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no"}}', 404),
  'rpc-error': (call) =>
    json(
      call,
      `{"jsonrpc":"2.0","id":${call.id},"error":{"code":-32042,"message":"asked","data":{"a":1e400}}}`,
    ),
  'redirect-loop': ({ response }) => void response.writeHead(307, { location: '/redirect-loop' }).end(),
  'redirect-302': ({ response }) => void response.writeHead(302, { location: '/good' }).end(),
  'redirect-nowhere': ({ response }) => void response.writeHead(308).end(),
  'redirect-once': ({ response }) => void response.writeHead(307, { location: '/good' }).end(),
  'progress-then-answer': (call) =>
    void stream(call).end(event(progress(call.id, 1)) + event(progress(call.id, 2)) + event(text(call.id))),
  'server-request': (call) => void stream(call).end(event(serverRequest) + event(text(call.id))),
  'junk-event': (call) => void stream(call).end(event('not json') + event('[]') + event(text(call.id))),
  'other-event-types': (call) =>
    void stream(call).end(`event: endpoint\n${event('/elsewhere')}event: message\n${event(text(call.id))}`),
  'answer-twice': (call) =>
    void stream(call).end(event(text(call.id, 'first')) + event(text(call.id, 'second'))),
  'open-after-answer': (call) => void stream(call).write(event(text(call.id))),
  'json-bom': (call) => json(call, `\uFEFF${text(call.id)}`),
  'error-bom': (call) =>
    json(call, `\uFEFF{"jsonrpc":"2.0","id":${call.id},"error":{"code":-32099,"message":"odd"}}`, 400),
  'crlf-bom': (call) => void stream(call).end(`\uFEFFdata: ${text(call.id)}\r\n\r\n`),
  'byte-by-byte': (call) => {
    stream(call)
    const bytes = Buffer.from(event(text(call.id, 'Grüße, 世界 🎈')))
    const next = (at: number) => {
      if (at === bytes.length) return void call.response.end()
      call.response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1))
    }
    next(0)
  },
  'silent-call': () => undefined,
  'headers-then-silence': (call) => void stream(call).flushHeaders(),
  'nasty-headers': (call) =>
    json(call, text(call.id), 200, {
      'set-cookie': 'upstream=1',
      'www-authenticate': 'Bearer realm="x"',
      location: 'https://evil.example/',
      'mcp-session-id': 'changed-in-flight',
    }),
  'bad-session-id': (call) => json(call, text(call.id)),
}

const resumable = new Set(['resume-works', 'resume-half-event', 'resume-conflict', 'resume-quiet'])

/** GET requests: the stream for notifications, or the rest of a call's stream; `nth` counts those for a rest. */
function onGet(mode: string, request: IncomingMessage, response: ServerResponse, nth: number): void {
  const from = String(request.headers['last-event-id'] ?? '')
  if (mode === 'resume-conflict' && nth % 3 > 0) return void response.writeHead(409).end()
  if (mode === 'resume-quiet' && nth % 8 > 0) {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': nothing yet\n\n')
    return void setTimeout(() => response.end(), 60)
  }
  if (resumable.has(mode) && from.startsWith('r-')) {
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(event(text(Number(from.slice(2)), 'resumed')))
  } else if (mode === 'resume-for-ever' && from.startsWith('r-')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 0\n\n')
  } else if (mode === 'listen-storm') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('retry: 0\n\n')
  } else if (mode === 'listen-conflict') {
    // Its first stream ended for the client alone.
    if (from !== '') return void response.writeHead(409).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\nretry: 0\ndata:\n\n')
  } else if (mode === 'listen-503') {
    response.writeHead(503, { 'retry-after': '999999' }).end()
  } else if (mode === 'listen-500') {
    response.writeHead(500).end()
  } else if (mode === 'listen-good') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(
      'id: 7\nretry: 100\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n',
    )
    setTimeout(() => response.end(), 20)
  } else {
    response.writeHead(405).end()
  }
}

/** Starts the server on a free loopback port. */
export async function startEvilHttp(): Promise<EvilServer> {
  const seen: SeenRequest[] = []
  const open = new Set<ServerResponse>()
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    open.add(response)
    response.on('close', () => open.delete(response))
    response.on('error', () => undefined)
    request.on('error', () => undefined)
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const mode = (request.url ?? '/').slice(1)
      const body = Buffer.concat(chunks).toString()
      seen.push({ method: request.method ?? '', mode, headers: request.headers, body })
      if (request.method === 'GET') {
        const resumed = server.seenIn(mode, 'GET').filter(({ headers }) => 'last-event-id' in headers)
        return onGet(mode, request, response, resumed.length)
      }
      if (request.method === 'DELETE') return void response.writeHead(200).end()
      const message = JSON.parse(body) as { id?: number; method?: string }
      if (message.id === undefined || message.method === undefined) return void response.writeHead(202).end()
      if (message.method === 'initialize') return initialize(mode, message.id, response)
      const act = modes[mode] ?? modes.good
      act?.({ id: message.id, method: message.method, request, response, server })
    })
  })
  http.on('clientError', (_error, socket) => void socket.destroy())
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const server: EvilServer = {
    url: (mode) => `http://127.0.0.1:${address.port}/${mode}`,
    seen,
    openStreams: () => open.size,
    seenIn: (mode, method) => seen.filter((one) => one.mode === mode && (!method || one.method === method)),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}

function initialize(mode: string, id: number, response: ServerResponse): void {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  headers['mcp-session-id'] = mode === 'bad-session-id' ? 'with a space' : `session-of-${mode}`
  const result = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    serverInfo: { name: 'evil', version: '1' },
  }
  response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
}
