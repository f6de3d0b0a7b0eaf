// Bytes in, bytes out: what JSON.parse and back would change must arrive as it left, on every transport.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type RawRemote, startRawRemote } from '../servers/raw-remote'
import { repository, startDaemon, type Daemon } from '../support/daemon'
import { openRawSession, type RawSession } from '../support/raw-client'

let daemon: Daemon
let remote: RawRemote
let session: RawSession

beforeAll(async () => {
  remote = startRawRemote()
  daemon = await startDaemon()
  const program = [process.execPath, join(repository, 'tests/servers/raw-stdio.ts')]
  await daemon.ok('add', 'stdio', '--yes', '--', ...program)
  for (const path of ['json', 'stream'] as const)
    await daemon.ok('add', path, '--yes', '--url', remote.url(path))
  await daemon.ok('add', 'sse', '--yes', '--url', remote.url('sse'), '--transport', 'sse')
  const key = (await daemon.ok('key', 'create', 'tester')).trim()
  session = await openRawSession(daemon.mcpUrl, key)
})
afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await remote[Symbol.asyncDispose]()
})

const literals =
  '{"big":9007199254740993,"huge":1e400,"one":1.0,"dup":1,"dup":2,"esc":"\\u00e9\\/","deep":[[[{}]]]}'

describe.each(['stdio', 'json', 'stream', 'sse'])('over %s', (alias) => {
  test('[gw.transparent] arguments reach the server byte for byte, with unknown params and _meta', async () => {
    const params = `{"name":"${alias}_echo","arguments":${literals},"x-vendor":{"n":-0.0},"_meta":{"traceparent":"00-a","n":1.50}}`
    const { message } = await session.post(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`,
    )
    const got = Buffer.from(/"got":"([^"]+)"/.exec(message)?.[1] ?? '', 'base64').toString()
    expect(got).toBe(`${params.replace(`${alias}_echo`, 'echo')}}`)
  })

  test('[gw.transparent] results reach the client byte for byte, with unknown content types and fields', async () => {
    const { message } = await session.post(
      `{"jsonrpc":"2.0","id":"seven","method":"tools/call","params":{"name":"${alias}_exotic"}}`,
    )
    expect(message).toBe(
      '{"jsonrpc":"2.0","id":"seven","result":{"content":[{"type":"hologram","beam":1e400,"n":9007199254740993,"one":1.0,"dup":1,"dup":2}],"x-unknown":null,"_meta":{"acme/trace":"\\u00e9\\ud83d\\ude00"}}}',
    )
  })

  test('[mcp.errors] an error of the server keeps code, message and data', async () => {
    const { message } = await session.post(
      `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"${alias}_fail"}}`,
    )
    expect(message).toBe(
      '{"jsonrpc":"2.0","id":3,"error":{"code":-31999,"message":"own words","data":{"n":9007199254740993,"deep":[1.0,1e400]}}}',
    )
  })

  test('[gw.transparent] a definition keeps everything but its name', async () => {
    const { message } = await session.post('{"jsonrpc":"2.0","id":4,"method":"tools/list"}')
    expect(message).toContain(
      `{"name":"${alias}_echo","description":"raw","inputSchema":{"type":"object","x-big":9007199254740993,"x-one":1.0},"x-unknown":{"a":1,"a":2}}`,
    )
  })

  test('[gw.transparent] a request written over several lines is one message for a server', async () => {
    const { message } = await session.post(
      `{\n  "jsonrpc": "2.0",\r\n  "id": 5,\n  "method": "tools/call",\n  "params": {"name": "${alias}_echo",\n "arguments": {"a": "line\\nbreak"}}\n}`,
    )
    const got = Buffer.from(/"got":"([^"]+)"/.exec(message)?.[1] ?? '', 'base64').toString()
    expect(JSON.parse(got.slice(0, -1))).toEqual({ name: 'echo', arguments: { a: 'line\nbreak' } })
  })

  test('[mcp.ids] ids come back as they were sent', async () => {
    for (const id of ['0', '-1', '9007199254740991', '"0"', '""', '"\\u0041"', '"üñ"']) {
      const { message } = await session.post(
        `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${alias}_echo"}}`,
      )
      expect(message).toContain(`"id":${id},`)
    }
  })

  test('[threat.19] a name given twice is refused, whichever of the two a server would read', async () => {
    const { message } = await session.post(
      `{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"${alias}_echo","n\\u0061me":"${alias}_fail"}}`,
    )
    expect(JSON.parse(message).error.code).toBe(-32602)
  })
})
