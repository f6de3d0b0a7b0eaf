// Headers that repeat what a message says, and do not: policy must never follow the one and the server the other.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { repository } from '../support/daemon'
import { MODERN, type Modern, modern } from '../support/modern-client'
import { mcpHeaders } from '../support/raw-client'
import { startSourceDaemon } from '../support/source-daemon'

let daemon: Awaited<ReturnType<typeof startSourceDaemon>>
let key: string
beforeAll(async () => {
  daemon = await startSourceDaemon()
  const server = join(repository, 'tests/servers/asking-stdio.ts')
  await daemon.cli(['add', 'asking', '--yes', '--', process.execPath, server])
  key = (await daemon.cli(['key', 'create', 'one'])).stdout.trim()
})
afterAll(() => daemon[Symbol.asyncDispose]())

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`
const call = (args: object, headers: Record<string, string | null>, more: Partial<Modern> = {}) =>
  modern(daemon.mcpUrl, key, {
    method: 'tools/call',
    params: { name: 'asking_headed', arguments: args },
    headers,
    ...more,
  })

test('[threat.19] a header that says another method, name or version than the message is refused, and one that is missing', async () => {
  const cases: Record<string, string | null>[] = [
    { 'Mcp-Method': 'tools/list' },
    { 'Mcp-Method': 'TOOLS/CALL' },
    { 'Mcp-Method': null },
    { 'Mcp-Name': 'asking_hold' },
    { 'Mcp-Name': 'asking_headed, asking_hold' },
    { 'Mcp-Name': base64('asking_hold') },
    { 'Mcp-Name': '=?base64?not base64?=' },
    { 'Mcp-Name': '=?base64?/////w==?=' },
    { 'Mcp-Name': null },
    { 'MCP-Protocol-Version': '2025-11-25' },
    { 'MCP-Protocol-Version': null },
  ]
  for (const headers of cases) {
    const { status, message } = await call({}, headers)
    expect([headers, status, message.error?.code]).toEqual([headers, 400, -32020])
  }
  expect((await call({}, { 'Mcp-Name': base64('asking_headed') })).message.result).toBeDefined()
})

test('[threat.19] a message that names two tools, or is of two versions, is refused before anything is called', async () => {
  const meta = `"io.modelcontextprotocol/protocolVersion":"${MODERN}","io.modelcontextprotocol/clientCapabilities":{}`
  const send = async (params: string) => {
    const response = await fetch(daemon.mcpUrl, {
      method: 'POST',
      headers: {
        ...mcpHeaders(key),
        'MCP-Protocol-Version': MODERN,
        'Mcp-Method': 'tools/call',
        'Mcp-Name': 'asking_headed',
      },
      body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${params},"arguments":{}}}`,
    })
    return [
      response.status,
      ((await response.json()) as { error?: { data?: { code?: string } } }).error?.data?.code,
    ]
  }
  const name = '"name":"asking_headed"'
  for (const params of [
    `${name},"name":"asking_hold","_meta":{${meta}}`,
    `"n\\u0061me":"asking_hold",${name},"_meta":{${meta}}`,
    `${name},"_meta":{${meta}},"_meta":{}`,
    `${name},"_meta":{${meta},"io.modelcontextprotocol/protocolVersion":"2025-11-25"}`,
  ])
    expect([params, ...(await send(params))]).toEqual([params, 400, 'rpc.invalid'])
  expect(await send(`${name},"_meta":{${meta}}`)).toEqual([200, undefined])
})

test('[threat.19] a parameter in a header must be the one in the arguments', async () => {
  const good: [object, Record<string, string>][] = [
    [{}, {}],
    [{ region: null }, {}],
    [{ region: 'eu' }, { 'Mcp-Param-Region': 'eu' }],
    [{ region: 'Hello, 世界' }, { 'Mcp-Param-Region': base64('Hello, 世界') }],
    [{ region: '=?base64?x?=' }, { 'Mcp-Param-Region': base64('=?base64?x?=') }],
    [{ count: 42 }, { 'mcp-param-count': '42.0' }],
    [{ inner: { dry: true } }, { 'Mcp-Param-Dry-Run': 'true' }],
    [{ other: 1 }, { 'Mcp-Param-Unknown': 'anything' }],
  ]
  for (const [args, headers] of good) {
    const { message } = await call(args, headers)
    expect([args, message.error]).toEqual([args, undefined])
  }
  const bad: [object, Record<string, string>][] = [
    [{ region: 'eu' }, {}],
    [{ region: 'eu' }, { 'Mcp-Param-Region': 'us' }],
    [{ region: 'eu' }, { 'Mcp-Param-Region': base64('us') }],
    [{ region: ' eu' }, { 'Mcp-Param-Region': 'eu' }],
    [{ count: 42 }, { 'Mcp-Param-Count': '43' }],
    [{ count: 0 }, { 'Mcp-Param-Count': ' ' }],
    [{ inner: { dry: true } }, { 'Mcp-Param-Dry-Run': 'false' }],
    [{ inner: { dry: false } }, {}],
  ]
  for (const [args, headers] of bad) {
    const { status, message } = await call(args, headers)
    expect([args, headers, status, message.error?.code]).toEqual([args, headers, 400, -32020])
  }
})

test('[threat.19] what is missing in the envelope, and a revision nobody speaks, are refused by their own numbers', async () => {
  const meta = 'io.modelcontextprotocol/'
  const cases: [Modern['meta'], Modern['headers'], number][] = [
    [{ [`${meta}protocolVersion`]: undefined }, {}, -32602],
    [{ [`${meta}protocolVersion`]: 7 }, {}, -32602],
    [{ [`${meta}clientCapabilities`]: undefined }, {}, -32602],
    [{ [`${meta}protocolVersion`]: '1900-01-01' }, { 'MCP-Protocol-Version': '1900-01-01' }, -32022],
    [{ [`${meta}protocolVersion`]: '1900-01-01' }, {}, -32020],
  ]
  for (const [given, headers, code] of cases) {
    const { status, message } = await call({}, headers ?? {}, { meta: given })
    expect([given, status, message.error?.code]).toEqual([given, 400, code])
  }
  const unknown = { [`${meta}protocolVersion`]: '1900-01-01' }
  const { message } = await call({}, { 'MCP-Protocol-Version': '1900-01-01' }, { meta: unknown })
  expect(message.error?.data).toMatchObject({
    supported: expect.arrayContaining(['2026-07-28']),
    requested: '1900-01-01',
  })
})
