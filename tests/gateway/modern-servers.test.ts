// Connections to servers of 2026-07-28, for clients of both eras: what each side gets, byte for byte.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Exchange } from '../../gateway/domain/exchange'
import { GatewayError } from '../../gateway/errors'
import { decodeUtf8, encodeUtf8 } from '../../gateway/wire/text'
import { eventually, repository } from '../support/daemon'
import { type EraConnection, openEra } from '../support/era-connection'
import { startEraHttp } from '../support/era-http'
import { rejection } from '../support/remote-leg'

const file = (name: string) => join(repository, 'tests/servers', name)
const folder = mkdtempSync(join(tmpdir(), 'mux-modern-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const raw = (mode: string) => [process.execPath, file('era-stdio.ts'), mode, join(folder, mode)]
const call = (name: string, more = '') =>
  `{"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":{"name":"${name}"${more}}}`
const prefix = 'io.modelcontextprotocol/'
const envelope = (capabilities: string, more = '') =>
  `"${prefix}protocolVersion":"2026-07-28","${prefix}clientInfo":{"name":"a","version":"1"},"${prefix}clientCapabilities":${capabilities}${more}`

/** A client that answers what it is asked, in words of its own. */
function asked(answers: Record<string, string>) {
  const questions: [string, string][] = []
  const exchange: Partial<Exchange> = {
    clientCapabilities: '{"sampling":{},"roots":{}}',
    ask: async (method, params) => {
      questions.push([method, decodeUtf8(params)])
      await Bun.sleep(1)
      return encodeUtf8(`{"jsonrpc":"2.0","id":5,${answers[method] ?? '"result":{}'}}`)
    },
  }
  return { questions, exchange }
}

describe('a stdio server of raw bytes', () => {
  let server: EraConnection
  beforeAll(async () => {
    server = await openEra(raw('raw'))
  })
  afterAll(() => server[Symbol.asyncDispose]())
  /** The line the server got, as it echoes it. */
  const line = (answer: string): string => {
    const { result } = JSON.parse(answer) as {
      result: { line?: string; content: { text: string }[] }
    }
    return result.line ?? result.content[0]?.text ?? ''
  }

  test('[gw.transparent] the result of a modern server reaches an older client byte for byte', async () => {
    expect(await server.send(call('echo'))).toContain(
      '{"resultType":"complete","content":[{"type":"hologram","n":1.0}]',
    )
  })

  test('[mcp.modern] the message of a modern client passes as it is but for the id', async () => {
    const message = call(
      'echo',
      `, "x":1.0 ,"_meta":{${envelope('{"z":1e400}', `,"${prefix}logLevel":"info","a":1.50`)}}`,
    )
    const got = line(await server.send(message, { era: 'modern', clientCapabilities: '{"other":{}}' }))
    expect(got).toBe(message.replace('"c-1"', (/"id":(\d+)/.exec(got) ?? [])[1] ?? ''))
  })

  test('[mcp.modern] what an older client declared is in the envelope, and what it wanted to hear', async () => {
    const exchange = { clientCapabilities: '{"roots":{"x":1.0}}', logLevel: 'warning' as const }
    const got = line(
      await server.send(call('echo', ',"arguments":{"n":9007199254740993},"_meta":{"acme/t":1e2}'), exchange),
    )
    expect(got).toContain(
      `"${prefix}clientCapabilities":{"roots":{"x":1.0}},"${prefix}logLevel":"warning","acme/t":1e2}`,
    )
    expect(got).toContain('"arguments":{"n":9007199254740993}')
    expect(got).toContain(`"${prefix}clientInfo":{"name":"mcpmux"`)
  })

  test('[mcp.modern] an older client cannot write an envelope or answers of its own', async () => {
    const mine = `,"requestState":"mine","inputResponses":{},"_meta":{${envelope('{"elicitation":{}}')}}`
    const got = line(await server.send(call('echo', mine), { clientCapabilities: '{}' }))
    expect(got).not.toContain('mine')
    expect(got).not.toContain('elicitation')
    expect(got.split(`${prefix}clientCapabilities`)).toHaveLength(2)
  })

  test('[mcp.modern] questions reach an older client all at once, and its answers the server with the state as it was', async () => {
    const { questions, exchange } = asked({
      'sampling/createMessage': '"result":{"role":"assistant","n":1.0}',
      'roots/list': '"result":{"roots":[ ]}',
    })
    const before = server.places.length
    const got = line(await server.send(call('rounds'), exchange))
    expect(questions).toEqual([
      ['sampling/createMessage', '{"maxTokens":1.0,"x":1e400}'],
      ['roots/list', '{}'],
    ])
    expect(got).toContain(
      '"inputResponses":{"a \\u0062":{"role":"assistant","n":1.0},"r":{"roots":[ ]}},"requestState":"s\\u00e9 \\/ 9007199254740993"',
    )
    expect(server.places.slice(before)).toEqual([-1, 1, -1, 1])
    const sent = readFileSync(join(folder, 'raw'), 'utf8')
      .split('\n')
      .filter((text) => text.includes('"name":"rounds"'))
    const ids = sent.map((text) => /"id":(\d+)/.exec(text)?.[1])
    expect([sent.length, new Set(ids).size]).toEqual([3, 3])
    expect(sent[1]).toContain('"requestState":"first"')
    expect(sent[1]).not.toContain('inputResponses')
  })

  test('[mcp.errors] a client that refuses a question ends the call in its own words', async () => {
    const error = '{"code":-1,"message":"no \\u00e9","data":{"n":1.0}}'
    const { exchange } = asked({ 'roots/list': `"error":${error}` })
    expect(await server.send(call('rounds'), exchange)).toContain(`"error":${error}}`)
  })

  test('[mcp.modern] what a client did not offer is not asked, and the call says so', async () => {
    const { questions, exchange } = asked({})
    const refused = await rejection(server.send(call('forbidden'), exchange))
    expect([refused.code, questions]).toEqual(['upstream.garbage', []])
    expect(refused.message).toContain('elicitation')
    const without = await rejection(server.send(call('rounds'), { ...exchange, clientCapabilities: '{}' }))
    expect([without.code, questions]).toEqual(['upstream.garbage', []])
  })

  test('[limits] a server that asks without end, or does not say what, gets no further', async () => {
    const { questions, exchange } = asked({})
    const endless = await rejection(server.send(call('endless'), exchange))
    expect([endless.code, questions.length]).toEqual(['upstream.garbage', 2 * 16])
    expect((await rejection(server.send(call('vague'), exchange))).code).toBe('upstream.garbage')
  })

  test('[mcp.cancellation] a client that leaves while it is asked ends the call', async () => {
    const { exchange } = asked({})
    const ask = () => Promise.reject(new GatewayError('rpc.cancelled'))
    expect((await rejection(server.send(call('rounds'), { ...exchange, ask }))).code).toBe('rpc.cancelled')
  })

  test('[mcp.modern] a question passes to a modern client as it is', async () => {
    const answer = await server.send(call('rounds', `,"requestState":"x","_meta":{${envelope('{}')}}`), {
      era: 'modern',
    })
    expect(answer).toContain(
      '"a \\u0062":{"method":"sampling/createMessage","params":{"maxTokens":1.0,"x":1e400}}',
    )
    expect(answer).toContain('"requestState":"s\\u00e9 \\/ 9007199254740993"')
  })
})

test('[mcp.modern] a server of the older era gets a modern client without its envelope, the rest byte for byte', async () => {
  await using server = await openEra(raw('exits'))
  const message = call(
    'echo',
    `,"requestState":"s","inputResponses":{"a":1},"_meta":{"b":1.0,${envelope('{}')},"c":2.50}`,
  )
  const answer = await server.send(message, { era: 'modern' })
  const { line } = (JSON.parse(answer) as { result: { line: string } }).result
  expect(line).toContain('"params":{"name":"echo","_meta":{"b":1.0,"c":2.50}}}')
})

for (const transport of ['stdio', 'http'] as const)
  describe(`a server of SDK v2 over ${transport}`, () => {
    let http: Awaited<ReturnType<typeof startEraHttp>> | null = null
    let server: EraConnection
    const region = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }
    beforeAll(async () => {
      if (transport === 'http') http = await startEraHttp('sdk-eras.ts', 'modern')
      server = await openEra(http?.url ?? [process.execPath, file('sdk-eras.ts'), 'stdio', 'modern'], {
        tools: () => [
          {
            serverId: 's',
            kind: 'tool',
            name: 'mirrored',
            position: 0,
            descriptor: JSON.stringify({ name: 'mirrored', inputSchema: region }),
          },
        ],
      })
    })
    afterAll(async () => {
      await server[Symbol.asyncDispose]()
      await http?.[Symbol.asyncDispose]()
    })

    test('[mcp.modern] lists, calls, prompts and resources are answered', async () => {
      const { tools } = JSON.parse(decodeUtf8(await server.connection.ask('tools/list', {}, 10_000))) as {
        tools: object[]
      }
      expect(tools).toHaveLength(10)
      expect(await server.send(call('echo', ',"arguments":{"a":1}'))).toContain('{\\"a\\":1}')
      const of = (method: string, params: string) =>
        server.send(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`)
      expect(await of('prompts/get', '{"name":"hello"}')).toContain('"hi"')
      expect(await of('resources/read', '{"uri":"test://ä"}')).toContain('test://ä')
      expect(await server.send(call('mirrored', ',"arguments":{"region":"Zürich"}'))).toContain('Zürich')
      expect(await server.send(call('mirrored', ',"arguments":{"region":" "}'))).not.toContain('"error"')
    })

    test('[mcp.progress] progress reaches the call under its own token, before the answer', async () => {
      const steps: string[] = []
      const message = call('steps', ',"_meta":{"progressToken":"mine"}')
      await server.send(message, {
        progressToken: encodeUtf8('"mine"'),
        notify: (bytes) => steps.push(decodeUtf8(bytes)),
      })
      expect(
        steps.map((text) => [text.includes('"progressToken":"mine"'), /"progress":(\d)/.exec(text)?.[1]]),
      ).toEqual([
        [true, '1'],
        [true, '2'],
        [true, '3'],
      ])
    })

    test('[mcp.logging] log messages reach the call that wants them, from its level on', async () => {
      const said: string[] = []
      const notify = (bytes: Uint8Array) => said.push(decodeUtf8(bytes))
      await server.send(call('log'), { logLevel: 'warning', notify })
      expect(said.map((text) => text.includes('hot'))).toEqual([true])
      await server.send(call('log'), { notify })
      expect(said).toHaveLength(1)
      await server.connection.setLogLevel('debug')
    })

    test('[mcp.cancellation] a cancelled call is cancelled at the server', async () => {
      const count = async (word: string) =>
        Number(new RegExp(`"${word}\\\\":(\\d+)`).exec(await server.send(call('echo')))?.[1])
      const before = await count('cancelled')
      let cancel = () => {}
      const hanging = server.send(call('hang'), {
        onCancel: (listener) => {
          cancel = listener ?? cancel
        },
      })
      await eventually(
        () => count('hanging'),
        (seen) => seen === 1,
      )
      cancel()
      expect((await rejection(hanging)).code).toBe('rpc.cancelled')
      await eventually(
        () => count('cancelled'),
        (seen) => seen === before + 1,
      )
    })

    test('[mcp.list-changed] a changed list is heard of', async () => {
      await server.send(call('change'))
      await eventually(
        () => server.heard,
        (heard) => heard.includes('tools'),
      )
    })

    test('[mcp.resources] an older client subscribes, is told without the tag of the stream, and is not told any more', async () => {
      const ask = (method: string) =>
        server.send(`{"jsonrpc":"2.0","id":1,"method":"resources/${method}","params":{"uri":"test://a"}}`)
      const updates = () => server.heard.filter((text) => text.startsWith('test://a'))
      expect(JSON.parse(await ask('subscribe'))).toMatchObject({ result: {} })
      await server.send(call('touch'))
      const [update = ''] = await eventually(updates, (heard) => heard.length > 0)
      expect(update).toContain('"uri":"test://a"')
      expect(update).not.toContain('subscriptionId')
      expect(JSON.parse(await ask('unsubscribe'))).toMatchObject({ result: {} })
      await Bun.sleep(200)
      const before = updates().length
      await server.send(call('touch'))
      await server.send(call('change'))
      await Bun.sleep(200)
      expect(updates()).toHaveLength(before)
      await server.connection.ask('resources/subscribe', { uri: 'test://a' }, 10_000)
      await server.send(call('touch'))
      await eventually(updates, (heard) => heard.length > before)
    })

    test('[mcp.errors] an error of the server keeps code, message and data', async () => {
      const answer = await server.send(call('ask'))
      expect(answer).toContain('"code":-32021')
      expect(answer).toContain('requiredCapabilities')
    })

    test('[mcp.modern] a question is answered by an older client', async () => {
      const answer = await server.send(call('ask'), {
        clientCapabilities: '{"elicitation":{}}',
        ask: async (method, params) => {
          expect([method, JSON.parse(decodeUtf8(params))]).toMatchObject([
            'elicitation/create',
            { message: 'Who?' },
          ])
          return encodeUtf8('{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"name":"Ö"}}}')
        },
      })
      expect(answer).toContain('Ö')
      expect(answer).toContain('state')
    })
  })
